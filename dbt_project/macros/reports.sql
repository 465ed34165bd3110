{#
    The rank by age of a version of a platform's report, the newest first, per day, destination, event, currency and
    attribution window, and per whatever else `per` names.
#}
{% macro report_recency(versions, per=[]) -%}
    row_number() over (
        partition by
            {{ versions }}.report_date, {{ versions }}.destination, {{ versions }}.event_name, {{ versions }}.currency,
            {{ versions }}.attribution_window{% for column in per %}, {{ column }}{% endfor %}
        order by {{ versions }}.seen desc, {{ versions }}.row_hash desc
    )
{%- endmacro %}
