with rows_per_refund as (
    select
        *,
        row_number() over (partition by refund_id order by seen desc, row_hash desc) as row_rank
    from {{ ref('stg_refunds') }}
)

select * from rows_per_refund
where row_rank = 1
