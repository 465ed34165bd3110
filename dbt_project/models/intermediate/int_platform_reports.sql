{{ config(tags=['measure']) }}

with versions as (
    select
        reports.*,
        {{ report_recency('reports') }} as recency,
        {{ is_displaced_by_pull('reports') }} as is_displaced
    from {{ ref('stg_platform_reports') }} as reports
),

-- No pull tells a match rate, so an upload's holds beside it, whichever currency it names or does not.
newest as (
    select
        *,
        max(case when is_displaced and currency is null then match_rate end)
            over (partition by report_date, destination, event_name) as uploaded_match_rate
    from versions
    where recency = 1
)

select
    report_date,
    destination,
    event_name,
    currency,
    sum(case when not is_displaced then conversions end) as conversions,
    sum(case when not is_displaced then value end) as value,
    -- Not a matter of windows: where each of them tells it, it is the same.
    coalesce(max(match_rate), max(uploaded_match_rate)) as match_rate,
    max(case when not is_displaced then time_zone end) as time_zone,
    -- Where every window of the day counts days from the click, the longest one.
    case
        when
            sum(case when not is_displaced then 1 else 0 end)
            = sum(case when not is_displaced and attribution_window like '%d_click' then 1 else 0 end)
            then max(
                case
                    when not is_displaced then try_cast(split_part(attribution_window, 'd_click', 1) as integer)
                end
            )
    end as click_window_days
from newest
group by 1, 2, 3, 4
having sum(case when not is_displaced then 1 else 0 end) > 0
