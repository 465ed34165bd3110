with source as (
    select * from {{ source('raw', 'conversion_definitions') }}
),

renamed as (
    select
        event_name,
        source_entity,
        qualifying_statuses,
        action_at as action_at_column,
        qualified_at as qualified_at_column,
        occurred_at as occurred_at_column,
        value_rule,
        currency,
        zero_values,
        source_of_truth,
        first_only_per,
        definition_version,
        value_version,
        fixed_value,
        hold_days,
        less_tax,
        less_shipping,
        less_discount,
        effective_from,
        effective_until
    from source
)

select * from renamed
