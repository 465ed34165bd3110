-- What the last build handed to the ledger; of the person and of the identifiers only which there are.
select
    conversion_key,
    destination,
    receiver_event,
    desired_value,
    last_accepted_value,
    delta,
    currency,
    exchange_rate,
    reason_code,
    fingerprint,
    computed_against,
    keys_only,
    event_id,
    transaction_id,
    click_id,
    json_keys(identifiers) as identifiers,
    json_keys(json_merge_patch('{}', person)) as person,
    consent,
    event_time,
    not_before,
    expires_at
from outbox.postbacks
where conversion_key = any($conversion_keys)
order by conversion_key, destination
