{# Whether `value` is one of the '|'-separated words of `list`. #}
{% macro in_list(value, list) -%}
    (position('|' || {{ value }} || '|' in '|' || {{ list }} || '|') > 0)
{%- endmacro %}

{# Several values as one text, a null as `~`: equal texts, equal values. #}
{% macro one_text(values) -%}
    concat_ws(' '{% for value in values %}, coalesce(cast({{ value }} as varchar), '~'){% endfor %})
{%- endmacro %}

{# A number for a text: equal texts, equal numbers, and hardly ever the other way round. #}
{% macro number_of(text) -%}
    {{ return(adapter.dispatch('number_of', 'postback_pipeline')(text)) }}
{%- endmacro %}

{% macro default__number_of(text) -%}
    hash({{ text }})
{%- endmacro %}

{% macro spark__number_of(text) -%}
    xxhash64({{ text }})
{%- endmacro %}
