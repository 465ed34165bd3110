with source as (
    select * from {{ source('raw', 'ad_spend') }}
),

renamed as (
    select
        destination,
        campaign,
        currency,
        _row_hash as row_hash,
        cost,
        clicks,
        impressions,
        _row_number as file_row,
        _seen as seen,
        date as spent_on,
        _loaded_at as loaded_at
    from source
)

select * from renamed
