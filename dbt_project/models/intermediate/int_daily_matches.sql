{{ config(tags=['measure']) }}

-- Whether anybody's identifier was there: a fault of clicks is everybody's, and shows best in all of them together.
with conversions as (
    select
        conversion_key,
        event_name,
        occurred_on,
        max(case when is_matched then 1 else 0 end) as is_matched
    from {{ ref('int_reconciliation_steps') }}
    where is_backend and (is_eligible or reason_code = 'on_hold')
    group by 1, 2, 3
)

select
    '(all)' as destination,
    conversions.event_name,
    conversions.occurred_on as day,
    count(*) as candidates,
    sum(conversions.is_matched) as recognised
from conversions
inner join {{ ref('int_settled_days') }} as settled
    on
        conversions.event_name = settled.event_name
        and conversions.occurred_on <= settled.last_day
group by 1, 2, 3
