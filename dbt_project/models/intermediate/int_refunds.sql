-- One row per refund id of the orders in scope; of several the one seen last.
with versions as (
    select
        *,
        row_number() over (
            partition by refund_id order by seen desc, row_hash desc, file_row desc
        ) as version_rank
    from {{ ref('stg_refunds') }}
    {%- if not builds_everything() %}
    where
        refund_id in (
            select refund_id from {{ ref('stg_refunds') }}
            where {{ in_scope('orders', 'order_id') }}
        )
    {%- endif %}
)

select * from versions
where version_rank = 1
