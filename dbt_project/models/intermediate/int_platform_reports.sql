{{ config(tags=['measure']) }}

with newest as (
    select
        reports.*,
        {{ report_recency('reports') }} as recency
    from {{ ref('stg_platform_reports') }} as reports
)

select
    report_date,
    destination,
    event_name,
    currency,
    sum(conversions) as conversions,
    sum(value) as value,
    -- Not a matter of windows: where each of them tells it, it is the same.
    max(match_rate) as match_rate
from newest
where recency = 1
group by 1, 2, 3, 4
