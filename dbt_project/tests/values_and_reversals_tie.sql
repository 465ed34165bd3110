-- Money is conserved: what reversals took back never exceeds the gross amount, and the net value lies in between.
select
    conversions.conversion_key,
    conversions.gross_amount,
    conversions.net_value,
    reversals.applied_amount
from {{ ref('conversions') }} as conversions
left join (
    select
        conversion_key,
        sum(applied_amount) as applied_amount
    from {{ ref('reversals') }}
    group by 1
) as reversals on conversions.conversion_key = reversals.conversion_key
where
    coalesce(reversals.applied_amount, 0) <> conversions.reversed_amount
    or conversions.reversed_amount < 0
    or conversions.reversed_amount > conversions.gross_amount
    or conversions.net_value < 0
    or conversions.net_value > conversions.value
