{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

with facts as (
    select
        conversion_key,
        reversal_id,
        event_name,
        source_id,
        kind,
        case when outcome = 'applied' and excess_amount > 0 then 'over_refund' else outcome end as status,
        reason,
        currency,
        original_currency,
        amount,
        applied_amount,
        excess_amount,
        reversed_at,
        loaded_at
    from {{ ref('int_reversals_applied') }}
),

reversed as (
    select
        conversion_key,
        sum(applied_amount) as applied_amount
    from facts
    group by 1
),

-- A status that takes back takes whatever the facts did not: the two count once.
by_status as (
    select
        records.conversion_key,
        'status:' || records.source_status as reversal_id,
        records.event_name,
        records.source_id,
        case records.source_status
            when 'cancelled' then 'cancellation' when 'disqualified' then 'disqualification'
            else records.source_status
        end as kind,
        'applied' as status,
        'status ' || records.source_status as reason,
        records.source_currency as currency,
        records.source_currency as original_currency,
        coalesce(records.gross_amount, 0) - coalesce(reversed.applied_amount, 0) as amount,
        coalesce(records.gross_amount, 0) - coalesce(reversed.applied_amount, 0) as applied_amount,
        0 as excess_amount,
        records.status_at as reversed_at,
        records.loaded_at
    from {{ ref('int_records') }} as records
    left join reversed on records.conversion_key = reversed.conversion_key
    where
        records.qualification = 'cancelled'
        and (
            records.source_entity <> 'orders'
            or coalesce(records.gross_amount, 0) > coalesce(reversed.applied_amount, 0)
        )
),

final as (
    select * from facts
    union all
    select * from by_status
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
    original_currency,
    cast(amount as decimal(18, 4)) as amount,
    cast(applied_amount as decimal(18, 4)) as applied_amount,
    cast(excess_amount as decimal(18, 4)) as excess_amount,
    reversed_at,
    loaded_at
from final
