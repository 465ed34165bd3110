{{ config(meta={'dagster': {'ref': {'name': 'postbacks'}}}) }}

-- Absence of data is never a reversal: what a receiver accepted becomes zero only by a refund, a chargeback, a
-- cancelled status or a disqualification, or where zero is a worth like any other.
select
    destination,
    conversion_key,
    reason_code,
    last_accepted_value
from {{ ref('postbacks') }}
where
    last_accepted_value > 0
    and desired_value = 0
    and not zero_counts
    and reason_code not in ('fully_reversed', 'cancelled', 'disqualified')
