with source as (
    select * from {{ source('raw', 'clicks') }}
),

renamed as (
    select
        click_id,
        session_id,
        user_id,
        cart_id,
        landing_url,
        referrer,
        campaign,
        fbp,
        ga_client_id,
        cost_currency,
        _row_hash as row_hash,
        cost,
        _seen as seen,
        clicked_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
