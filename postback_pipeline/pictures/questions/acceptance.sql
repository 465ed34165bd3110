-- Postbacks by day of their conversion: sent, accepted, refused.
select
    occurred_on as day,
    sum(sent_postbacks)::bigint as sent,
    sum(accepted_postbacks)::bigint as accepted,
    sum(rejected_postbacks)::bigint as rejected,
    sum(unknown_postbacks + parked_postbacks)::bigint as unclear,
    sum(accepted_postbacks) / nullif(sum(sent_postbacks), 0) as acceptance_rate
from metrics.acceptance_rate
where
    destination = $destination
    and event_name = $event
    and currency = $currency
    and occurred_on between $from and $to
group by all
order by day
