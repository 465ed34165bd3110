{{ config(meta={'dagster': {'ref': {'name': 'conversions'}}}) }}

-- Money is conserved: what reversals took back never exceeds the gross amount, and the net value lies in between. Looks
-- at what this build computed.
with reversed as (
    select
        conversion_key,
        sum(applied_amount) as applied_amount,
        sum(excess_amount) as excess_amount
    from {{ ref('reversals') }}
    where {{ key_in_scope() }}
    group by 1
)

select
    conversions.conversion_key,
    conversions.gross_amount,
    conversions.net_value,
    reversed.applied_amount
from {{ ref('conversions') }} as conversions
left join reversed on conversions.conversion_key = reversed.conversion_key
where
    {{ key_in_scope('conversions.conversion_key') }}
    and (
        coalesce(reversed.applied_amount, 0) <> conversions.reversed_amount
        or coalesce(reversed.excess_amount, 0) <> conversions.excess_amount
        or conversions.reversed_amount < 0
        or conversions.reversed_amount > conversions.gross_amount
        or conversions.net_value < 0
        or conversions.net_value > conversions.value
        or (conversions.status in ('fully_reversed', 'cancelled', 'disqualified') and conversions.net_value <> 0)
        or (conversions.status = 'qualified' and conversions.net_value <> conversions.value)
    )
