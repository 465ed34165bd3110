{#
    The rank by age of a version of a platform's report, the newest first, per day, destination, event, currency,
    attribution window and way it came (pulled or uploaded), and per whatever else `per` names.
#}
{% macro report_recency(versions, per=[]) -%}
    row_number() over (
        partition by
            {{ versions }}.report_date, {{ versions }}.destination, {{ versions }}.event_name, {{ versions }}.currency,
            {{ versions }}.attribution_window, {{ versions }}.pulled_at is null{% for column in per %}, {{ column }}{% endfor %}
        order by {{ versions }}.seen desc, {{ versions }}.row_hash desc
    )
{%- endmacro %}

{#
    Whether a version was uploaded about a day, destination and event (and whatever else `per` names) that was pulled,
    too. Both tell of the same conversions, and name their windows and currencies differently: the pulled one counts.
#}
{% macro is_displaced_by_pull(versions, per=[]) -%}
    {{ versions }}.pulled_at is null and count({{ versions }}.pulled_at) over (
        partition by
            {{ versions }}.report_date, {{ versions }}.destination,
            {{ versions }}.event_name{% for column in per %}, {{ column }}{% endfor %}
    ) > 0
{%- endmacro %}
