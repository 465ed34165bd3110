-- Money is conserved: what reversals took back never exceeds the gross amount, and the net value lies in between.
with reversed as (
    select
        conversion_key,
        sum(applied_amount) as applied_amount
    from {{ ref('reversals') }}
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
    coalesce(reversed.applied_amount, 0) <> conversions.reversed_amount
    or conversions.reversed_amount < 0
    or conversions.reversed_amount > conversions.gross_amount
    or conversions.net_value < 0
    or conversions.net_value > conversions.value
