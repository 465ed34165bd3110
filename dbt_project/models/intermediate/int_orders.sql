with versions as (
    select
        *,
        row_number() over (
            partition by order_id
            order by updated_at desc nulls last, seen desc, row_hash desc
        ) as version_rank
    from {{ ref('stg_orders') }}
)

select * from versions
where version_rank = 1
