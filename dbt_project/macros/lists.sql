{# Whether `value` is one of the '|'-separated words of `list`. #}
{% macro in_list(value, list) -%}
    (position('|' || {{ value }} || '|' in '|' || {{ list }} || '|') > 0)
{%- endmacro %}

{# Several values as one text, a null as `~`: equal texts, equal values. #}
{% macro one_text(values) -%}
    concat_ws(' '{% for value in values %}, coalesce(cast({{ value }} as varchar), '~'){% endfor %})
{%- endmacro %}
