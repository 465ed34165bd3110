with source as (
    select * from {{ source('raw', 'experiment_regions') }}
),

renamed as (
    select
        experiment,
        region,
        pair,
        is_held_out
    from source
)

select * from renamed
