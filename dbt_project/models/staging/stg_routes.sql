with source as (
    select * from {{ source('raw', 'routes') }}
),

renamed as (
    select
        destination,
        event_name,
        receiver_event,
        match_on,
        identifiers,
        scope,
        event_time as event_time_column,
        timing,
        currency as route_currency,
        consent_purposes,
        consent_denied,
        consent_unknown,
        pixel_deduplication,
        event_id_template,
        route_version,
        lookback_days,
        hold_days,
        send_reversals,
        start_at,
        end_at
    from source
)

select * from renamed
