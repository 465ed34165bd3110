with refunds as (
    select
        conversion_key,
        reversal_id,
        event_name,
        source_id,
        kind,
        case when outcome = 'applied' and excess_amount > 0 then 'over_refund' else outcome end as status,
        reason,
        currency,
        amount,
        applied_amount,
        excess_amount,
        reversed_at,
        loaded_at
    from {{ ref('int_refunds_applied') }}
),

refunded as (
    select
        conversion_key,
        sum(applied_amount) as applied_amount
    from refunds
    group by 1
),

-- A cancelled status takes back whatever its refund rows did not: the two count once.
cancelled as (
    select
        conversions.conversion_key,
        'status:' || conversions.status as reversal_id,
        conversions.event_name,
        conversions.source_id,
        case conversions.status when 'fraud' then 'fraud' else 'cancellation' end as kind,
        'applied' as status,
        'order status ' || conversions.status as reason,
        conversions.currency,
        conversions.gross_amount - coalesce(refunded.applied_amount, 0) as amount,
        conversions.gross_amount - coalesce(refunded.applied_amount, 0) as applied_amount,
        0 as excess_amount,
        coalesce(conversions.updated_at, conversions.action_at) as reversed_at,
        conversions.loaded_at
    from {{ ref('int_order_conversions') }} as conversions
    left join refunded on conversions.conversion_key = refunded.conversion_key
    where
        conversions.qualification = 'cancelled'
        and conversions.gross_amount > coalesce(refunded.applied_amount, 0)
),

final as (
    select * from refunds
    union all
    select * from cancelled
)

select
    conversion_key,
    reversal_id,
    event_name,
    source_id,
    kind,
    status,
    reason,
    currency,
    cast(amount as decimal(18, 4)) as amount,
    cast(applied_amount as decimal(18, 4)) as applied_amount,
    cast(excess_amount as decimal(18, 4)) as excess_amount,
    reversed_at,
    loaded_at
from final
