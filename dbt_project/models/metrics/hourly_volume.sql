select
    steps.destination,
    steps.event_name,
    {{ dbt.date_trunc('hour', 'steps.occurred_at') }} as hour_started_at,
    count(*) as conversions
from {{ ref('int_reconciliation_steps') }} as steps
inner join {{ ref('int_settled_days') }} as settled on steps.event_name = settled.event_name
where steps.is_backend and steps.occurred_on <= settled.last_day
group by 1, 2, 3
