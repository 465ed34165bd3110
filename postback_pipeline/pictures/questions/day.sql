-- One day beside the average of as many days before it as $days - 1, by destination, event and currency.
select
    destination,
    event_name,
    currency,
    coalesce(sum(backend_conversions) filter (occurred_on = $day), 0)::bigint as conversions,
    coalesce(sum(backend_conversions) filter (occurred_on < $day), 0) / ($days - 1) as usual_conversions,
    coalesce(sum(backend_value) filter (occurred_on = $day), 0) as value,
    coalesce(sum(sent_postbacks) filter (occurred_on = $day), 0)::bigint as sent,
    coalesce(sum(accepted_postbacks) filter (occurred_on = $day), 0)::bigint as accepted,
    sum(accepted_postbacks) filter (occurred_on = $day)
    / nullif(sum(sent_postbacks) filter (occurred_on = $day), 0) as acceptance_rate,
    sum(accepted_postbacks) filter (occurred_on < $day)
    / nullif(sum(sent_postbacks) filter (occurred_on < $day), 0) as usual_acceptance_rate
from metrics.daily_overview
where occurred_on between $from and $to
group by all
order by destination, event_name, currency
