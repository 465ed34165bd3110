-- Acceptance by day and destination, all events and currencies together.
select
    destination,
    occurred_on as day,
    sum(sent_postbacks)::bigint as sent,
    sum(accepted_postbacks)::bigint as accepted,
    sum(accepted_postbacks) / nullif(sum(sent_postbacks), 0) as acceptance_rate
from metrics.acceptance_rate
where occurred_on between $from and $to
group by all
order by destination, day
