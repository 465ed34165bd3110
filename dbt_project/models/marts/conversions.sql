{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

with reversed as (
    select
        conversion_key,
        sum(applied_amount) as reversed_amount,
        sum(excess_amount) as excess_amount,
        max(loaded_at) as loaded_at
    from {{ ref('reversals') }}
    where {{ key_in_scope() }}
    group by 1
),

ranked as (
    select
        *,
        -- Of those that could count; who is not named cannot be told apart, so each of them counts.
        row_number() over (partition by event_name, first_identity order by action_at, conversion_key) as place
    from {{ ref('int_valued_records') }}
    where
        first_identity is not null
        and qualification = 'qualified'
        and not is_test
        and not is_value_missing
        and (value > 0 or zero_values = 'allow')
),

netted as (
    select
        valued.*,
        cast(coalesce(reversed.reversed_amount, 0) as decimal(18, 4)) as reversed_amount,
        cast(coalesce(reversed.excess_amount, 0) as decimal(18, 4)) as excess_amount,
        greatest(valued.loaded_at, coalesce(reversed.loaded_at, valued.loaded_at)) as changed_at,
        coalesce(ranked.place, 1) = 1 as is_first
    from {{ ref('int_valued_records') }} as valued
    left join reversed on valued.conversion_key = reversed.conversion_key
    left join ranked on valued.conversion_key = ranked.conversion_key
),

final as (
    select
        conversion_key,
        event_name,
        source_entity,
        source_id,
        {{ conversion_status() }} as status,
        source_status,
        currency,
        source_currency,
        definition_version,
        value_version,
        source_of_truth,
        subscription_id,
        click_id,
        session_id,
        cart_id,
        user_id,
        first_identity,
        coalesce(gross_amount, 0) as gross_amount,
        value,
        case
            when qualification = 'cancelled' then 0
            when coalesce(gross_amount, 0) = 0 or reversed_amount = 0 then value
            else {{ money('value', 'coalesce(minor_units, 2)', 'gross_amount - reversed_amount', 'gross_amount') }}
        end as net_value,
        reversed_amount,
        excess_amount,
        coalesce(minor_units, 2) as minor_units,
        seen as record_seen,
        file_row as record_row,
        identity_seen,
        identity_file_row as identity_row,
        excess_amount > 0 as is_over_refunded,
        has_contact,
        action_at,
        qualified_at,
        attribution_at,
        case occurred_at_column when 'qualified_at' then qualified_at else action_at end as occurred_at,
        {{ add_hours('qualified_at', 'hold_days * 24') }} as held_until,
        changed_at
    from netted
)

select
    *,
    {{ utc_date('occurred_at') }} as occurred_on
from final
