with source as (
    select * from {{ source('raw', 'pixel_events') }}
),

renamed as (
    select
        event_id,
        event as pixel_event,
        destination,
        order_id,
        session_id,
        user_id,
        page_url,
        currency,
        _row_hash as row_hash,
        value,
        _seen as seen,
        occurred_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
