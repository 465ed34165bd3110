-- Everything in the outbox was enqueued, sent and accepted: what the copy of the ledger's history holds then.
insert into raw.ledger_history by name
with known as (
    select coalesce(max(postback_id), 0) as last_id, coalesce(max(seq), 0) as last_seq from raw.ledger_history
),
numbered as (
    select *, row_number() over (order by destination, conversion_key) as number from outbox.postbacks
),
steps as (
    select unnest([
        {'step': 0, 'from_state': null, 'to_state': 'pending', 'outcome': null},
        {'step': 1, 'from_state': 'pending', 'to_state': 'sending', 'outcome': null},
        {'step': 2, 'from_state': 'sending', 'to_state': 'accepted', 'outcome': 'accepted'}
    ], recursive := true)
)
select
    last_seq + step * (select count(*) from numbered) + number as seq,
    (select as_of from raw.build_context) + to_minutes(step::integer) as at,
    last_id + number as postback_id,
    destination,
    conversion_key,
    event_name,
    computed_against + 1 as revision,
    case
        when computed_against = 0 then 'conversion'
        when desired_value = 0 then 'retraction'
        else 'restatement'
    end as kind,
    desired_value as value,
    last_accepted_value as previous_value,
    currency,
    fingerprint,
    transaction_id,
    click_id,
    event_time,
    action_at,
    from_state,
    to_state,
    case when step > 0 then 1 end as attempt,
    outcome,
    'benchmark' as actor,
    definition_version,
    exchange_rate
from numbered cross join steps cross join known
order by seq;
