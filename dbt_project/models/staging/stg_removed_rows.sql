with source as (
    select * from {{ source('raw', 'removed') }}
),

renamed as (
    select
        entity,
        order_id,
        refund_id,
        click_id,
        session_id,
        user_id,
        cart_id,
        event_id,
        lead_id,
        subscription_id,
        subject_type,
        subject_id,
        destination,
        currency,
        seen,
        date as day
    from source
)

select * from renamed
