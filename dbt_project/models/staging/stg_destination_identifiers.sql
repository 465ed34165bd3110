with source as (
    select * from {{ source('raw', 'destination_identifiers') }}
),

renamed as (
    select
        destination,
        identifier,
        pattern
    from source
)

select * from renamed
