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
    max(match_rate) as match_rate,
    max(time_zone) as time_zone,
    -- Where every window of the day counts days from the click, the longest one.
    case
        when count(*) = sum(case when attribution_window like '%d_click' then 1 else 0 end)
            then max(try_cast(split_part(attribution_window, 'd_click', 1) as integer))
    end as click_window_days
from newest
where recency = 1
group by 1, 2, 3, 4
