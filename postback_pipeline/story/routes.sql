-- The routes that want the conversions' events.
select
    event_name,
    destination,
    receiver_event,
    match_on,
    identifiers,
    lookback_days,
    scope,
    timing,
    hold_days,
    event_time,
    currency,
    consent_purposes,
    consent_denied,
    consent_unknown,
    pixel_deduplication,
    send_reversals,
    start_at,
    end_at,
    route_version
from raw.routes
where
    event_name in (
        select event_name from marts.conversions
        where conversion_key = any($conversion_keys)
    )
order by event_name, destination
