with source as (
    select * from {{ source('raw', 'platform_reports') }}
),

renamed as (
    select
        destination,
        event as event_name,
        currency,
        time_zone,
        attribution_window,
        pulled_at,
        _row_hash as row_hash,
        conversions,
        value,
        match_rate,
        _seen as seen,
        date as report_date,
        _loaded_at as loaded_at
    from source
)

select * from renamed
