-- What was taken back, and whether it counts. The source's own words for the reason may name a person: left out.
select
    conversion_key,
    reversal_id,
    kind,
    status,
    amount,
    currency,
    applied_amount,
    excess_amount,
    original_currency,
    reversed_at
from marts.reversals
where conversion_key = any($conversion_keys)
order by conversion_key, reversed_at, reversal_id
