{{ config(meta={'dagster': {'ref': {'name': 'conversions'}}}) }}

-- Every reversal that applies belongs to a conversion; only what waits for its order belongs to none.
select
    reversals.conversion_key,
    reversals.reversal_id,
    reversals.status
from {{ ref('reversals') }} as reversals
left join {{ ref('conversions') }} as conversions on reversals.conversion_key = conversions.conversion_key
where
    (conversions.conversion_key is null) <> (reversals.status = 'awaiting_order')
    and {{ key_in_scope('reversals.conversion_key') }}
