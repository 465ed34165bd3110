{{ config(tags=['measure']) }}

-- What a conversion was worth when it came, before anything was taken back.
select
    steps.destination,
    steps.event_name,
    conversions.currency,
    steps.occurred_on as day,
    count(*) as conversions,
    avg(cast(conversions.value as double)) as value_per_conversion
from {{ ref('int_reconciliation_steps') }} as steps
inner join {{ ref('conversions') }} as conversions on steps.conversion_key = conversions.conversion_key
inner join {{ ref('int_settled_days') }} as settled
    on
        steps.event_name = settled.event_name
        and steps.occurred_on <= settled.last_day
where steps.is_backend and conversions.value > 0
group by 1, 2, 3, 4
