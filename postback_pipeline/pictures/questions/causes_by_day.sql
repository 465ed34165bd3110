-- The days of one cause of one step.
select report_date as day, sum(conversions)::bigint as conversions, sum(value) as value
from metrics.reconciliation_causes
where
    destination = $destination
    and event_name = $event
    and currency = $currency
    and step = $step
    and cause = $cause
    and report_date between $from and $to
group by all
order by day
