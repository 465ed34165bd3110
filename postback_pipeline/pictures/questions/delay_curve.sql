-- Share accepted that long after the conversion, of the cohorts that have had so much time.
select
    after_hours::bigint as after_hours,
    sum(conversions)::bigint as conversions,
    sum(accepted_conversions)::bigint as accepted,
    sum(accepted_conversions) / nullif(sum(conversions), 0) as accepted_share
from metrics.delay_curve
where
    destination = $destination
    and event_name = $event
    and currency = $currency
    and occurred_on between $from and $to
group by all
order by after_hours
