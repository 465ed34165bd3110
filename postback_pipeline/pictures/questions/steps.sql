-- The same sums as a row per step, in count and in money, for one destination, event and currency.
-- Where the metrics tell of no later verdicts, processed is not known.
with measured as (
    select null::bigint as processed_conversions, null::decimal(18, 4) as processed_value where false
    union all by name
    select * from metrics.reconciliation
),

summed as (
    select
        sum(columns('^(backend|eligible|enqueued|sent|accepted|processed|reported)_conversions$'))::bigint,
        sum(columns('^(backend|eligible|enqueued|sent|accepted|processed|reported)_value$'))
    from measured
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
    {place: 6, name: 'processed', conversions: processed_conversions, value: processed_value},
    {place: 7, name: 'reported', conversions: reported_conversions, value: reported_value}
]) as steps (step)
order by 1
