-- From what the backend confirmed to what the platform reports, by destination. Reported and its counterpart are of days
-- that the platform has reported on only.
select
    destination,
    currency,
    sum(backend_conversions)::bigint as backend,
    sum(eligible_conversions)::bigint as eligible,
    sum(enqueued_conversions)::bigint as enqueued,
    sum(sent_conversions)::bigint as sent,
    sum(accepted_conversions)::bigint as accepted,
    sum(processed_conversions)::bigint as processed,
    sum(reported_conversions)::bigint as reported,
    sum(accepted_conversions) filter (reported_conversions is not null)::bigint as accepted_where_reported,
    sum(backend_value) as backend_value,
    sum(accepted_value) as accepted_value,
    sum(reported_value) as reported_value
from metrics.reconciliation
where
    ($destination is null or destination = $destination)
    and ($event is null or event_name = $event)
    and ($currency is null or currency = $currency)
    and report_date between $from and $to
group by all
order by destination, currency
