-- A row per step of one destination, event and currency, in count and in money, beside the step before. What the platform
-- reports stands beside what was processed on the days that it has reported on.
with summed as (
    select
        sum(columns('^(backend|eligible|enqueued|sent|accepted|processed|reported)_conversions$'))::bigint,
        sum(columns('^(backend|eligible|enqueued|sent|accepted|processed|reported)_value$')),
        sum(processed_conversions) filter (reported_conversions is not null)::bigint as comparable_conversions,
        sum(processed_value) filter (reported_conversions is not null) as comparable_value
    from metrics.reconciliation
    where
        destination = $destination
        and event_name = $event
        and currency = $currency
        and report_date between $from and $to
)

select
    step.name as step,
    step.conversions,
    step.conversions - step.conversions_before as difference,
    step.value,
    step.value - step.value_before as difference_value
from summed, unnest([
    {
        place: 1, name: 'backend', conversions: backend_conversions, value: backend_value,
        conversions_before: null, value_before: null
    },
    {
        place: 2, name: 'eligible', conversions: eligible_conversions, value: eligible_value,
        conversions_before: backend_conversions, value_before: backend_value
    },
    {
        place: 3, name: 'enqueued', conversions: enqueued_conversions, value: enqueued_value,
        conversions_before: eligible_conversions, value_before: eligible_value
    },
    {
        place: 4, name: 'sent', conversions: sent_conversions, value: sent_value,
        conversions_before: enqueued_conversions, value_before: enqueued_value
    },
    {
        place: 5, name: 'accepted', conversions: accepted_conversions, value: accepted_value,
        conversions_before: sent_conversions, value_before: sent_value
    },
    {
        place: 6, name: 'processed', conversions: processed_conversions, value: processed_value,
        conversions_before: accepted_conversions, value_before: accepted_value
    },
    {
        place: 7, name: 'reported', conversions: reported_conversions, value: reported_value,
        conversions_before: comparable_conversions, value_before: comparable_value
    }
]) as steps (step)
order by step.place
