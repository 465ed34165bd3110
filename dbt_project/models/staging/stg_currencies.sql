with source as (
    select * from {{ source('raw', 'currencies') }}
),

renamed as (
    select
        currency,
        minor_units
    from source
)

select * from renamed
