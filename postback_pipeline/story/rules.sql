-- The definitions that the conversions were computed by.
select
    definitions.event_name,
    definitions.definition_version,
    definitions.source_entity,
    definitions.qualifying_statuses,
    concat_ws(
        ' ',
        definitions.value_rule,
        case when definitions.less_tax then 'less tax' end,
        case when definitions.less_shipping then 'less shipping' end,
        case when definitions.less_discount then 'less discount' end
    ) as value_rule,
    definitions.fixed_value,
    definitions.currency as fixed_currency,
    definitions.zero_values,
    definitions.hold_days,
    definitions.source_of_truth,
    definitions.first_only_per,
    definitions.action_at as action_at_column,
    definitions.qualified_at as qualified_at_column,
    definitions.occurred_at as occurred_at_column,
    definitions.effective_from,
    definitions.effective_until
from raw.conversion_definitions as definitions
where
    definitions.definition_version in (
        select definition_version from marts.conversions
        where conversion_key = any($conversion_keys)
    )
order by definitions.event_name, definitions.effective_from
