-- The conversions, without whom they name.
select
    conversion_key,
    event_name,
    source_entity,
    source_id,
    subscription_id,
    status,
    source_status,
    gross_amount,
    source_currency,
    value,
    net_value,
    reversed_amount,
    excess_amount,
    currency,
    is_over_refunded,
    definition_version,
    action_at,
    attribution_at,
    qualified_at,
    occurred_at,
    held_until
from marts.conversions
where conversion_key = any($conversion_keys)
order by action_at, conversion_key
