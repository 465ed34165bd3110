with source as (
    select * from {{ source('raw', 'test_order_rules') }}
),

renamed as (
    select
        definition_version,
        field,
        pattern
    from source
)

select * from renamed
