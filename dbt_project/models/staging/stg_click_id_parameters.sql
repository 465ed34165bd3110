with source as (
    select * from {{ source('raw', 'click_id_parameters') }}
),

renamed as (
    select
        parameter,
        identifier,
        network,
        valid_days
    from source
)

select * from renamed
