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
        value_rule,
        zero_values,
        definition_version,
        hold_days
    from source
)

select * from renamed
