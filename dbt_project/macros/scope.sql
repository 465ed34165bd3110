{#
    Which conversions a build computes. All of them after a change of models or into an empty warehouse; otherwise those
    that something since the last whole build concerns (`int_changed_conversions`). The models do not care: they compute
    what is in scope, and the tables that stay replace exactly those keys (`replace_changed`).
#}

{# Whether this build computes everything anew. While dbt parses: no, so that it sees every reference. #}
{% macro builds_everything() -%}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {%- if flags.FULL_REFRESH or built_up_to() is none -%}{{ return(true) }}{%- endif -%}
    {%- if not tables_stand() -%}
        {{ exceptions.raise_compiler_error('A table of the last build is missing: build with --full-refresh.') }}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}

{# The row that the last whole build left: `seen`, `ledger_seq`, `as_of`; none in a warehouse that has not had one. #}
{% macro built_up_to() -%}
    {%- set rows = run_query(
        'select seen, ledger_seq, as_of from ' ~ source('raw', 'build_marks') ~ ' where seen is not null'
    ).rows -%}
    {{ return(rows[0] if rows | length else none) }}
{%- endmacro %}

{# A table that stays, as the last build left it. Not a `ref`: what changed since decides what is computed. #}
{% macro built(schema, table) -%}
    {{ return(api.Relation.create(database=target.database, schema=schema, identifier=table)) }}
{%- endmacro %}

{% macro tables_stand() -%}
    {%- set stays = [
        ('marts', 'conversions'), ('marts', 'reversals'), ('intermediate', 'int_touchpoints'),
        ('intermediate', 'int_click_versions'), ('intermediate', 'int_record_identifiers'),
        ('intermediate', 'int_decisions')
    ] -%}
    {%- for schema, table in stays -%}
        {%- if adapter.get_relation(target.database, schema, table) is none -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{# Condition: a row of a raw table that came since the last whole build. #}
{% macro is_new(column='seen') -%}
    {%- if not execute -%}{{ return(column ~ ' > 0') }}{%- endif -%}
    {{ return(column ~ ' > ' ~ built_up_to()[column]) }}
{%- endmacro %}

{# Condition: a source's own id belongs to a conversion in scope. #}
{% macro in_scope(entity, source_id) -%}
    {%- if builds_everything() -%}{{ return('true') }}{%- endif -%}
    {{ return(
        source_id ~ ' in (select source_id from ' ~ ref('int_changed_conversions')
        ~ " where source_entity = '" ~ entity ~ "')"
    ) }}
{%- endmacro %}

{# Condition: a conversion is in scope. #}
{% macro key_in_scope(conversion_key='conversion_key') -%}
    {%- if builds_everything() -%}{{ return('true') }}{%- endif -%}
    {{ return(conversion_key ~ ' in (select conversion_key from ' ~ ref('int_changed_conversions') ~ ')') }}
{%- endmacro %}

{#
    Incremental strategy: rows of the keys in scope are replaced, also by nothing, in one transaction. `replaces` names
    the key, `changed` the model of the intermediate schema that lists the keys.
#}
{% macro get_incremental_replace_changed_sql(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set key = config.get('replaces', 'conversion_key') -%}
    delete from {{ arguments['target_relation'] }}
    {%- if not builds_everything() %}
    where {{ key }} in (
        select {{ key }} from {{ built('intermediate', config.get('changed', 'int_changed_conversions')) }}
    )
    {%- endif %};
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}
