with accepted as (
    select
        deliveries.occurred_on,
        deliveries.destination,
        deliveries.event_name,
        deliveries.currency,
        {{ seconds_between('deliveries.action_at', 'deliveries.accepted_at') }} as since_action,
        {{ seconds_between('decisions.eligible_at', 'deliveries.accepted_at') }} as since_eligible
    from {{ ref('deliveries') }} as deliveries
    left join {{ ref('int_decisions') }} as decisions
        on
            deliveries.conversion_key = decisions.conversion_key
            and deliveries.destination = decisions.destination
    where
        deliveries.kind = 'conversion'
        and deliveries.accepted_at is not null
        -- What a previous sender had told was not accepted when it was imported.
        and deliveries.first_sent_at is not null
)

select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as accepted_first_reports,
    percentile_cont(0.5) within group (order by since_action) as p50_seconds_since_action,
    percentile_cont(0.95) within group (order by since_action) as p95_seconds_since_action,
    percentile_cont(0.5) within group (order by since_eligible) as p50_seconds_since_eligible,
    percentile_cont(0.95) within group (order by since_eligible) as p95_seconds_since_eligible
from accepted
group by 1, 2, 3, 4
