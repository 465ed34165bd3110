with source as (
    select * from {{ source('raw', 'fx_rates') }}
),

renamed as (
    select
        currency,
        _row_hash as row_hash,
        rate_to_base,
        _row_number as file_row,
        _seen as seen,
        date as rated_on,
        _loaded_at as loaded_at
    from source
)

select * from renamed
