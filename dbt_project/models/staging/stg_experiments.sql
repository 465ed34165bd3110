with source as (
    select * from {{ source('raw', 'experiments') }}
),

renamed as (
    select
        experiment,
        destination,
        event_name,
        unit,
        outcome,
        salt,
        held_below,
        share as held_out_share,
        start_at,
        end_at
    from source
)

select * from renamed
