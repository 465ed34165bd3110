{# The event id that the receiver's tag uses for a source id; null where the route names no template. #}
{% macro event_id(template, source_id) -%}
    nullif(
        replace(replace(replace(
            {{ template }}, '{order_id}', {{ source_id }}), '{source_id}', {{ source_id }}
        ), '{transaction_id}', {{ source_id }}),
        ''
    )
{%- endmacro %}

{# Condition: an event id may have been made by the template, which names exactly one placeholder. #}
{% macro fits_template(template, event_id) -%}
    {{ template }} <> ''
    and starts_with({{ event_id }}, split_part({{ template }}, '{', 1))
    and ends_with({{ event_id }}, split_part({{ template }}, '}', 2))
{%- endmacro %}

{# The source id that the template made an event id of. #}
{% macro id_of_event(template, event_id) -%}
    substr(
        {{ event_id }},
        length(split_part({{ template }}, '{', 1)) + 1,
        length({{ event_id }}) - length(split_part({{ template }}, '{', 1)) - length(split_part({{ template }}, '}', 2))
    )
{%- endmacro %}
