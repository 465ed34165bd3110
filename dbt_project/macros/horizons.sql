{# How long after a conversion a delay curve looks, in hours. The models read it as a table. #}
{% macro horizon_hours() -%}
    {{ return([1, 6, 24, 72, 168, 672]) }}
{%- endmacro %}

{% macro horizons() -%}
    (values {% for hours in horizon_hours() %}({{ hours }}){{ ', ' if not loop.last }}{% endfor %}) as horizons (hours)
{%- endmacro %}

{# The least horizon within which `instant` came after `start`; null where it came later than all of them, or never. #}
{% macro within_hours(start, instant) -%}
    case
        {%- for hours in horizon_hours() %}
        when {{ instant }} <= {{ add_hours(start, hours) }} then {{ hours }}
        {%- endfor %}
    end
{%- endmacro %}
