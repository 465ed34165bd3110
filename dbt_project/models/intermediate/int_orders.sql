with versions as (
    select
        *,
        row_number() over (
            partition by order_id
            order by updated_at desc nulls last, seen desc, row_hash desc, file_row desc
        ) as version_rank
    from {{ ref('stg_orders') }}
    where {{ in_scope('orders', 'order_id') }}
)

select * from versions
where version_rank = 1
