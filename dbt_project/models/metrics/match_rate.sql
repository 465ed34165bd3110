with matched as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        count(*) as eligible_conversions,
        sum(case when is_matched then 1 else 0 end) as matched_conversions,
        sum(worth) as eligible_value,
        sum(case when is_matched then worth else 0 end) as matched_value
    from {{ ref('int_reconciliation_steps') }}
    where is_eligible
    group by 1, 2, 3, 4
)

select
    matched.*,
    {{ ratio('matched.matched_conversions', 'matched.eligible_conversions') }} as match_rate,
    cast(coalesce(reports.match_rate, of_all_currencies.match_rate) as double) as platform_match_rate
from matched
left join {{ ref('int_platform_reports') }} as reports
    on
        matched.occurred_on = reports.report_date
        and matched.destination = reports.destination
        and matched.event_name = reports.event_name
        and matched.currency = reports.currency
-- A platform that names no currency tells of all of them.
left join {{ ref('int_platform_reports') }} as of_all_currencies
    on
        matched.occurred_on = of_all_currencies.report_date
        and matched.destination = of_all_currencies.destination
        and matched.event_name = of_all_currencies.event_name
        and of_all_currencies.currency is null
