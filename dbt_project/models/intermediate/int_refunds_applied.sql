with definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'orders'
),

facts as (
    select
        definitions.event_name || ':' || refunds.order_id as conversion_key,
        definitions.event_name,
        refunds.refund_id as reversal_id,
        refunds.order_id as source_id,
        refunds.kind,
        refunds.reason,
        refunds.currency,
        refunds.amount,
        refunds.refunded_at as reversed_at,
        refunds.loaded_at,
        conversions.gross_amount,
        case
            when conversions.conversion_key is null then 'awaiting_order'
            when conversions.currency <> refunds.currency then 'currency_mismatch'
            else 'applied'
        end as outcome
    from {{ ref('int_refunds') }} as refunds
    cross join definitions
    left join {{ ref('int_order_conversions') }} as conversions
        on
            refunds.order_id = conversions.source_id
            and definitions.event_name = conversions.event_name
),

signed as (
    select
        *,
        case
            when outcome <> 'applied' then 0
            when kind = 'dispute_won' then -amount
            else amount
        end as signed_amount
    from facts
),

-- What was taken back up to and with each fact, in the order in which refunds apply.
running as (
    select
        *,
        sum(signed_amount) over (
            partition by conversion_key
            order by reversed_at, reversal_id
            rows between unbounded preceding and current row
        ) as total_amount
    from signed
),

final as (
    select
        *,
        cast(
            least(greatest(total_amount, 0), coalesce(gross_amount, 0))
            - least(greatest(total_amount - signed_amount, 0), coalesce(gross_amount, 0))
            as decimal(18, 4)
        ) as applied_amount,
        cast(
            greatest(total_amount - coalesce(gross_amount, 0), 0)
            - greatest(total_amount - signed_amount - coalesce(gross_amount, 0), 0)
            as decimal(18, 4)
        ) as excess_amount
    from running
)

select * from final
