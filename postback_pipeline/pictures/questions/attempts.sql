-- Attempts by the day on which they ended, and how they ended.
select
    attempted_on as day,
    sum(attempts)::bigint as attempts,
    sum(attempts) filter (outcome = 'accepted')::bigint as accepted,
    sum(attempts) filter (outcome = 'rejected')::bigint as rejected,
    sum(attempts) filter (outcome = 'unknown')::bigint as unknown,
    sum(attempts) filter (outcome = 'not_sent')::bigint as not_sent
from metrics.attempt_outcomes
where
    destination = $destination
    and event_name = $event
    and attempted_on between $from and $to
group by all
order by day
