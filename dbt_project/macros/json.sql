{# A JSON object of the named columns, as text. Null values may appear as JSON null. #}
{% macro json_columns(columns, relation) -%}
    {{ return(adapter.dispatch('json_columns', 'postback_pipeline')(columns, relation)) }}
{%- endmacro %}

{% macro default__json_columns(columns, relation) -%}
    cast(json_object(
        {%- for column in columns %}'{{ column }}', {{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as varchar)
{%- endmacro %}

{% macro spark__json_columns(columns, relation) -%}
    to_json(named_struct(
        {%- for column in columns %}'{{ column }}', {{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    ))
{%- endmacro %}

{# Aggregates key and value columns into one JSON object, as text, ordered by key. #}
{% macro json_aggregate(key, value) -%}
    {{ return(adapter.dispatch('json_aggregate', 'postback_pipeline')(key, value)) }}
{%- endmacro %}

{% macro default__json_aggregate(key, value) -%}
    cast(to_json(map_from_entries(list(row({{ key }}, {{ value }}) order by {{ key }}))) as varchar)
{%- endmacro %}

{% macro spark__json_aggregate(key, value) -%}
    to_json(map_from_entries(sort_array(collect_list(struct({{ key }}, {{ value }})))))
{%- endmacro %}

{# A JSON object of one key, as text. #}
{% macro json_pair(key, value) -%}
    {{ return(adapter.dispatch('json_pair', 'postback_pipeline')(key, value)) }}
{%- endmacro %}

{% macro default__json_pair(key, value) -%}
    '{' || cast(to_json({{ key }}) as varchar) || ':' || cast(to_json({{ value }}) as varchar) || '}'
{%- endmacro %}

{% macro spark__json_pair(key, value) -%}
    to_json(map({{ key }}, {{ value }}))
{%- endmacro %}
