{# Order of the clicks that may have brought a conversion, the best first. #}
{% macro attribution_rule() -%}
    match_class, clicked_at desc nulls last, key_rank, click_id, preference, identifier_value
{%- endmacro %}
