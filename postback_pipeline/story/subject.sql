-- What a key may mean: conversions, known or possible, each with the record that it comes from; null for any entity.
with events as (
    select event_name, source_entity from raw.conversion_definitions
    union
    select event_name, source_entity from marts.conversions
),

known as (
    select conversion_key, source_entity, source_id, subscription_id from marts.conversions
    where conversion_key = $key or source_id = $key or subscription_id = $key
),

-- A refund's own id stands for what it takes back, where nothing else has that id.
reversed as (
    select conversion_key, event_name, source_id from marts.reversals
    where reversal_id = $key and not starts_with($key, 'status:') and not exists (from known)
),

-- What was told and is computed no longer is known by what the ledger held of it.
told as (
    select conversion_key, event_name, transaction_id as source_id from raw.ledger_history
    where conversion_key = $key or transaction_id = $key
    union
    select conversion_key, event_name, source_id from reversed
)

select null as conversion_key, null as source_entity, $key as source_id
union
select conversion_key, source_entity, source_id from known
union
select told.conversion_key, events.source_entity, told.source_id
from told left join events on told.event_name = events.event_name
union
select event_name || ':' || $key, source_entity, $key from events
union
select $key, source_entity, substr($key, length(event_name) + 2) from events
where starts_with($key, event_name || ':')
