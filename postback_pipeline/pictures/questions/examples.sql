-- Conversions that this cause took away or added at this step, the newest first.
with differences as (
    select conversion_key, destination, event_name, currency, report_date, step, cause, occurred_at
    from intermediate.int_step_differences
    union all
    select conversion_key, destination, event_name, currency, report_date, 'reported', cause, occurred_at
    from intermediate.int_report_differences
)

select
    differences.conversion_key,
    steps.decision,
    steps.reason_code,
    steps.newest_state,
    differences.occurred_at
from differences
inner join intermediate.int_reconciliation_steps as steps using (conversion_key, destination)
where
    differences.destination = $destination
    and differences.event_name = $event
    and differences.currency = $currency
    and differences.report_date between $from and $to
    and differences.step = $step
    and differences.cause = $cause
order by differences.occurred_at desc
limit 50
