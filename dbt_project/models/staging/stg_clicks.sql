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
        gclid,
        gbraid,
        wbraid,
        dclid,
        fbclid,
        fbc,
        fbp,
        ga_client_id,
        ttclid,
        msclkid,
        li_fat_id,
        twclid,
        epik,
        rdt_cid,
        sc_click_id,
        irclickid,
        cjevent,
        awc,
        ran_site_id,
        subid,
        cost_currency,
        _row_hash as row_hash,
        cost,
        _row_number as file_row,
        _seen as seen,
        clicked_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
