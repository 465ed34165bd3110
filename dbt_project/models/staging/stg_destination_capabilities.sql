with source as (
    select * from {{ source('raw', 'destination_capabilities') }}
),

renamed as (
    select
        destination,
        type as destination_type,
        mode,
        report_time_zone,
        dedup_window_hours,
        max_age_hours,
        adjustment_min_age_hours,
        adjustment_max_age_hours,
        deduplicates,
        restatement as takes_restatement,
        retraction as takes_retraction,
        reinstatement as takes_reinstatement,
        increase as takes_increase,
        adjusts_pixel,
        coalesce(judges_later, false) as judges_later
    from source
)

select * from renamed
