-- What can be asked for: destinations, events and currencies, and the days there are.
select
    destination,
    event_name,
    currency,
    min(report_date) as first_day,
    max(report_date) as last_day,
    sum(backend_conversions)::bigint as conversions
from metrics.reconciliation
group by all
order by conversions desc, destination, event_name, currency
