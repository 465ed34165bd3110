with source as (
    select * from {{ source('raw', 'refunds') }}
),

renamed as (
    select
        refund_id,
        order_id,
        kind,
        reason,
        currency,
        _row_hash as row_hash,
        amount,
        _row_number as file_row,
        _seen as seen,
        refunded_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
