{{ config(meta={'dagster': {'ref': {'name': 'reversals'}}}) }}

-- Nothing disappears: every refund id that was loaded is a reversal of each event made of orders, applied or with the
-- reason why not.
with events as (
    select distinct event_name
    from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'orders'
),

refunds as (
    select distinct refund_id
    from {{ ref('stg_refunds') }}
)

select
    events.event_name,
    refunds.refund_id
from refunds
cross join events
left join {{ ref('reversals') }} as reversals
    on
        refunds.refund_id = reversals.reversal_id
        and events.event_name = reversals.event_name
where reversals.reversal_id is null
