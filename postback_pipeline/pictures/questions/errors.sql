-- What attempts that were not accepted ended with, the most frequent first; each with its newest example.
select
    outcome,
    reason,
    http_status,
    sum(attempts)::bigint as attempts,
    min(first_at) as first_at,
    max(last_at) as last_at,
    max_by(example_conversion_key, last_at) as example
from metrics.attempt_outcomes
where
    destination = $destination
    and event_name = $event
    and outcome <> 'accepted'
    and attempted_on between $from and $to
group by all
order by attempts desc, last_at desc
limit 50
