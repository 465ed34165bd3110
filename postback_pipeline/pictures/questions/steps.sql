-- The same sums as a row per step, in count and in money, for one destination, event and currency.
with summed as (
    select
        sum(columns('.*_conversions'))::bigint,
        sum(columns('.*_value'))
    from metrics.reconciliation
    where
        destination = $destination
        and event_name = $event
        and currency = $currency
        and report_date between $from and $to
)

select step.place, step.name as step, step.conversions, step.value
from summed, unnest([
    {place: 1, name: 'backend', conversions: backend_conversions, value: backend_value},
    {place: 2, name: 'eligible', conversions: eligible_conversions, value: eligible_value},
    {place: 3, name: 'enqueued', conversions: enqueued_conversions, value: enqueued_value},
    {place: 4, name: 'sent', conversions: sent_conversions, value: sent_value},
    {place: 5, name: 'accepted', conversions: accepted_conversions, value: accepted_value},
    {place: 6, name: 'reported', conversions: reported_conversions, value: reported_value}
]) as steps (step)
order by 1
