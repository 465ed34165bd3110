with source as (
    select * from {{ source('raw', 'build_context') }}
),

renamed as (
    select
        run_id,
        window_start,
        window_end,
        as_of,
        previous_as_of
    from source
)

select * from renamed
