{#
    What a click carries of the identifiers that a route accepts, as a list of texts: `gclid=encoded` from its landing URL,
    `:gclid=value` from its own column. One pattern over all parameters reads a URL once; it begins behind `?` or `&`, so
    that `xgclid` is no gclid, and an empty value is none.
#}
{% macro carried_by_click(clicks) -%}
    {{ return(adapter.dispatch('carried_by_click', 'postback_pipeline')(clicks)) }}
{%- endmacro %}

{% macro default__carried_by_click(clicks) -%}
    {%- set given = given_identifiers() -%}
    list_concat(
        {%- if click_id_parameters() | length %}
        regexp_extract_all({{ clicks }}.landing_url, '{{ click_id_pattern() }}', 1),
        {%- endif %}
        {%- if given | length %}
        list_filter([
            {%- for identifier in given %}
            ':{{ identifier }}=' || {{ clicks }}.{{ identifier }}{{ ',' if not loop.last }}
            {%- endfor %}
        ], lambda carried: carried is not null),
        {%- endif %}
        cast([] as varchar[])
    )
{%- endmacro %}

{% macro spark__carried_by_click(clicks) -%}
    {%- set given = given_identifiers() -%}
    concat(
        {%- if click_id_parameters() | length %}
        coalesce(regexp_extract_all({{ clicks }}.landing_url, '{{ click_id_pattern() }}', 1), array()),
        {%- endif %}
        filter(array(
            {%- for identifier in given %}
            ':{{ identifier }}=' || {{ clicks }}.{{ identifier }}{{ ',' if not loop.last }}
            {%- endfor %}
        ), carried -> carried is not null)
    )
{%- endmacro %}

{% macro click_id_pattern() -%}
    [?&]((?:{{ click_id_parameters() | map(attribute='parameter') | join('|') }})=[^&#]+)
{%- endmacro %}

{# One row for each element of a list; no row for an empty one. #}
{% macro exploded(list) -%}
    {{ return(adapter.dispatch('exploded', 'postback_pipeline')(list)) }}
{%- endmacro %}

{% macro default__exploded(list) -%}
    unnest({{ list }})
{%- endmacro %}

{% macro spark__exploded(list) -%}
    explode({{ list }})
{%- endmacro %}

{# The identifier that an element of `carried_by_click` names. #}
{% macro carried_identifier(carried) -%}
    case split_part({{ carried }}, '=', 1)
        when '' then ''
        {%- for row in click_id_parameters() %}
        when '{{ row['parameter'] }}' then '{{ row['identifier'] }}'
        {%- endfor %}
        else substr(split_part({{ carried }}, '=', 1), 2)
    end
{%- endmacro %}

{# Its value, decoded once. #}
{% macro carried_value(carried) -%}
    case
        when starts_with({{ carried }}, ':') then substr({{ carried }}, position('=' in {{ carried }}) + 1)
        else url_decode(substr({{ carried }}, position('=' in {{ carried }}) + 1))
    end
{%- endmacro %}

{# Condition: a list of `carried_by_click` holds an identifier. #}
{% macro carries(list, identifier) -%}
    {{ return(adapter.dispatch('carries', 'postback_pipeline')(list, identifier)) }}
{%- endmacro %}

{% macro default__carries(list, identifier) -%}
    len(list_filter({{ list }}, lambda carried: {{ carried_identifier('carried') }} = {{ identifier }})) > 0
{%- endmacro %}

{% macro spark__carries(list, identifier) -%}
    exists({{ list }}, carried -> {{ carried_identifier('carried') }} = {{ identifier }})
{%- endmacro %}
