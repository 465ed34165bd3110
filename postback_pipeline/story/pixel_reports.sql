-- What each destination's own pixel reported of the conversions.
select
    conversion_key,
    destination,
    event_name,
    event_id,
    value,
    currency,
    occurred_at
from marts.pixel_reports
where conversion_key = any($conversion_keys)
order by conversion_key, destination, occurred_at, event_id
