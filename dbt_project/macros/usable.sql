{#
    The forms of usable identifiers that receivers of routes declare, read when a model runs: as constants they are
    compiled once, and where no receiver declares any, nothing is compared. `pattern_number` counts them from one.
#}
{% macro identifier_patterns() -%}
    {%- if not execute -%}{{ return(['[a-z]+']) }}{%- endif -%}
    {{ return(run_query(
        'select distinct declared.pattern from ' ~ source('raw', 'destination_identifiers') ~ ' as declared inner join '
        ~ source('raw', 'routes') ~ ' as routes on declared.destination = routes.destination order by 1'
    ).columns[0].values() | list) }}
{%- endmacro %}

{# The number of a declared pattern; null for none. #}
{% macro pattern_number(pattern) -%}
    {%- set patterns = identifier_patterns() -%}
    {%- if patterns | length -%}
    case {{ pattern }}
        {%- for each in patterns %}
        when {{ quoted(each) }} then {{ loop.index }}
        {%- endfor %}
    end
    {%- else -%}
    cast(null as integer)
    {%- endif -%}
{%- endmacro %}

{# Condition: a value is of the form with this number, or no form is asked for. #}
{% macro fits_pattern(number, value) -%}
    {%- set patterns = identifier_patterns() -%}
    {%- if patterns | length -%}
    case {{ number }}
        {%- for each in patterns %}
        when {{ loop.index }} then coalesce({{ matches_whole(value, each) }}, false)
        {%- endfor %}
        else true
    end
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{# Condition: a list of `carried_by_click` holds an identifier with a value of the form with this number. #}
{% macro carries_usable(list, identifier, number) -%}
    {%- if identifier_patterns() | length -%}
    {{ return(adapter.dispatch('carries_usable', 'postback_pipeline')(list, identifier, number)) }}
    {%- else -%}
    {{ return('true') }}
    {%- endif -%}
{%- endmacro %}

{% macro default__carries_usable(list, identifier, number) -%}
    len(list_filter({{ list }}, lambda carried:
        {{ carried_identifier('carried') }} = {{ identifier }}
        and {{ fits_pattern(number, carried_value('carried')) }}
    )) > 0
{%- endmacro %}

{% macro spark__carries_usable(list, identifier, number) -%}
    exists({{ list }}, carried ->
        {{ carried_identifier('carried') }} = {{ identifier }}
        and {{ fits_pattern(number, carried_value('carried')) }}
    )
{%- endmacro %}

{# Condition: the whole of a text is of a form, given as a constant in the syntax that RE2, Java and Python share. #}
{% macro matches_whole(value, pattern) -%}
    {{ return(adapter.dispatch('matches_whole', 'postback_pipeline')(value, pattern)) }}
{%- endmacro %}

{% macro default__matches_whole(value, pattern) -%}
    regexp_full_match({{ value }}, {{ quoted(pattern) }})
{%- endmacro %}

{# `$` would allow a line break behind it. #}
{% macro spark__matches_whole(value, pattern) -%}
    regexp({{ value }}, {{ quoted('^(?:' ~ pattern ~ ')\\z') }})
{%- endmacro %}

{# A text as a constant. #}
{% macro quoted(text) -%}
    {{ return(adapter.dispatch('quoted', 'postback_pipeline')(text)) }}
{%- endmacro %}

{% macro default__quoted(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}

{# Spark reads escapes in its literals. #}
{% macro spark__quoted(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text | replace('\\', '\\\\'))) }}
{%- endmacro %}
