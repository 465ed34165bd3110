{# Whether `value` is one of the '|'-separated words of `list`. #}
{% macro in_list(value, list) -%}
    (position('|' || {{ value }} || '|' in '|' || {{ list }} || '|') > 0)
{%- endmacro %}
