{#
    A unit of an experiment, and whether it is held out: by the experiment's salt and the unit's own id, by nothing else. The
    hash is md5 on every adapter, and compared as text, so that it is the same wherever and whenever it is computed.
#}
{% macro experiment_unit(salt, unit_id) -%}
    {{ dbt.hash(salt ~ " || ':' || " ~ unit_id) }}
{%- endmacro %}

{% macro is_held_out_unit(unit, held_below) -%}
    substr({{ unit }}, 1, 8) < {{ held_below }}
{%- endmacro %}

{# As long before the start of an experiment as it lasts: from then on its units are looked at. #}
{% macro before_start(experiments) -%}
    {%- set hours = dbt.datediff(experiments ~ '.start_at', experiments ~ '.end_at', 'hour') -%}
    {{ add_hours(experiments ~ '.start_at', '-1 * ' ~ hours) }}
{%- endmacro %}
