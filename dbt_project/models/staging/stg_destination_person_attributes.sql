with source as (
    select * from {{ source('raw', 'destination_person_attributes') }}
),

renamed as (
    select
        destination,
        attribute
    from source
)

select * from renamed
