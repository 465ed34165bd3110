-- What was taken back of what, as the sources tell it: the facts, not yet what they come to.
with events as (
    select distinct
        event_name,
        source_entity
    from {{ ref('stg_conversion_definitions') }}
),

told as (
    select
        'orders' as source_entity,
        order_id as source_id,
        refund_id as reversal_id,
        kind,
        reason,
        currency,
        amount,
        refunded_at as reversed_at,
        loaded_at
    from {{ ref('int_refunds') }}
    union all
    select
        'subscription_events' as source_entity,
        coalesce(event_id, refund_id) as source_id,
        refund_id as reversal_id,
        kind,
        cast(null as varchar) as reason,
        currency,
        amount,
        refunded_at as reversed_at,
        loaded_at
    from {{ ref('int_subscription_refunds') }}
),

final as (
    select
        events.event_name || ':' || told.source_id as conversion_key,
        events.event_name,
        told.*,
        records.conversion_key is not null as is_known,
        coalesce(records.source_currency, told.currency) as original_currency,
        records.gross_amount
    from told
    inner join events on told.source_entity = events.source_entity
    left join {{ ref('int_records') }} as records
        on
            told.source_id = records.source_id
            and events.event_name = records.event_name
    -- A subscription has events of several kinds: only that of the charge is reversed.
    where told.source_entity = 'orders' or records.conversion_key is not null
)

select * from final
where {{ key_in_scope() }}
