-- Seconds from the action, and from eligibility, to acceptance, by day of the conversion.
select
    occurred_on as day,
    accepted_first_reports::bigint as accepted,
    p50_seconds_since_eligible,
    p95_seconds_since_eligible,
    p50_seconds_since_action,
    p95_seconds_since_action
from metrics.latency
where
    destination = $destination
    and event_name = $event
    and currency = $currency
    and occurred_on between $from and $to
order by day
