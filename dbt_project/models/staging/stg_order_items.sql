with source as (
    select * from {{ source('raw', 'order_items') }}
),

renamed as (
    select
        order_id,
        line,
        sku,
        name,
        category,
        brand,
        _row_hash as row_hash,
        quantity,
        unit_price,
        _row_number as file_row,
        _seen as seen,
        _loaded_at as loaded_at
    from source
)

select * from renamed
