with source as (
    select * from {{ source('raw', 'plan_values') }}
),

renamed as (
    select
        event_name,
        plan,
        currency,
        value
    from source
)

select * from renamed
