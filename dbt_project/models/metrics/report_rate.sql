select
    report_date,
    destination,
    event_name,
    currency,
    accepted_conversions,
    reported_conversions,
    accepted_value,
    reported_value,
    {{ ratio('reported_conversions', 'accepted_conversions') }} as report_rate,
    {{ ratio('reported_value', 'accepted_value') }} as report_rate_value
from {{ ref('reconciliation') }}
where reported_conversions is not null
