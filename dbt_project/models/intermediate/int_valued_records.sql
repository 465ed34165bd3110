-- What each record counts for before reversals, by its definition's value rule, and in which currency.
with ruled as (
    select
        records.*,
        definitions.zero_values,
        case definitions.value_rule
            when 'per_plan' then definitions.value_version || '-' || coalesce(cast(plans.value as varchar), '~')
            else definitions.value_version
        end as value_version,
        definitions.source_of_truth,
        definitions.occurred_at_column,
        definitions.hold_days,
        definitions.value_rule,
        case definitions.value_rule
            when 'fixed' then definitions.currency
            when 'per_plan' then plans.currency
            else coalesce(records.source_currency, definitions.currency)
        end as currency,
        case definitions.value_rule
            when 'fixed' then definitions.fixed_value
            when 'per_plan' then plans.value
            when 'net' then greatest(coalesce(records.ruled_amount, 0), 0)
            else coalesce(records.gross_amount, 0)
        end as ruled_value
    from {{ ref('int_records') }} as records
    inner join {{ ref('stg_conversion_definitions') }} as definitions
        on records.definition_version = definitions.definition_version
    left join {{ ref('stg_plan_values') }} as plans
        on
            records.event_name = plans.event_name
            and records.plan = plans.plan
            and definitions.value_rule = 'per_plan'
),

final as (
    select
        ruled.*,
        currencies.minor_units,
        {{ money('coalesce(ruled.ruled_value, 0)', 'coalesce(currencies.minor_units, 2)') }} as value,
        ruled.ruled_value is null or ruled.currency is null as is_value_missing
    from ruled
    left join {{ ref('stg_currencies') }} as currencies on ruled.currency = currencies.currency
)

select * from final
