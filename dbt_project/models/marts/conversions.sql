with reversed as (
    select
        conversion_key,
        sum(applied_amount) as reversed_amount,
        sum(excess_amount) as excess_amount,
        max(loaded_at) as loaded_at
    from {{ ref('reversals') }}
    group by 1
),

valued as (
    select
        conversions.*,
        {{ money('conversions.ruled_value', 'conversions.minor_units') }} as value,
        cast(coalesce(reversed.reversed_amount, 0) as decimal(18, 4)) as reversed_amount,
        cast(coalesce(reversed.excess_amount, 0) as decimal(18, 4)) as excess_amount,
        greatest(conversions.loaded_at, coalesce(reversed.loaded_at, conversions.loaded_at)) as changed_at
    from {{ ref('int_order_conversions') }} as conversions
    left join reversed on conversions.conversion_key = reversed.conversion_key
),

netted as (
    select
        *,
        case
            when gross_amount = 0 then value
            else {{ money('value', 'minor_units', 'gross_amount - reversed_amount', 'gross_amount') }}
        end as net_value
    from valued
),

final as (
    select
        conversion_key,
        event_name,
        source_id,
        case
            when is_test then 'test_order'
            when qualification <> 'qualified' then qualification
            when value = 0 and zero_values = 'exclude' then 'zero_value'
            when gross_amount > 0 and reversed_amount >= gross_amount then 'fully_reversed'
            when reversed_amount > 0 then 'partly_reversed'
            else 'qualified'
        end as status,
        status as source_status,
        currency,
        definition_version,
        gross_amount,
        value,
        net_value,
        reversed_amount,
        excess_amount,
        minor_units,
        excess_amount > 0 as is_over_refunded,
        {{ utc_date('action_at') }} as occurred_on,
        action_at,
        qualified_at,
        action_at as occurred_at,
        held_until,
        changed_at
    from netted
)

select * from final
