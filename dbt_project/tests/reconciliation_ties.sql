{{ config(tags=['measure'], meta={'dagster': {'ref': {'name': 'reconciliation'}}}) }}

-- The causes explain every difference between backend and accepted, in count and money.
with causes as (
    select
        report_date,
        destination,
        event_name,
        currency,
        sum(conversions) as conversions,
        sum(value) as value
    from {{ ref('reconciliation_causes') }}
    where step <> 'reported'
    group by 1, 2, 3, 4
)

select reconciliation.*
from {{ ref('reconciliation') }} as reconciliation
left join causes
    on
        reconciliation.report_date = causes.report_date
        and reconciliation.destination = causes.destination
        and reconciliation.event_name = causes.event_name
        and reconciliation.currency is not distinct from causes.currency
where
    reconciliation.accepted_conversions - reconciliation.backend_conversions <> coalesce(causes.conversions, 0)
    or reconciliation.accepted_value - reconciliation.backend_value <> coalesce(causes.value, 0)
