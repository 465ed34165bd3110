with history as (
    select
        *,
        row_number() over (partition by postback_id order by seq desc) as recency
    from {{ ref('stg_ledger_history') }}
),

lifecycle as (
    select
        postback_id,
        max(attempt) as attempts,
        max(case when outcome = 'unknown' then 1 else 0 end) = 1 as was_unknown,
        min(changed_at) as enqueued_at,
        min(case when to_state = 'sending' then changed_at end) as first_sent_at,
        min(case when to_state = 'accepted' then changed_at end) as accepted_at,
        min(case when to_state = 'processed' then changed_at end) as processed_at
    from history
    group by 1
),

final as (
    select
        history.postback_id,
        history.destination,
        history.conversion_key,
        history.event_name,
        history.kind,
        history.to_state as state,
        history.reason,
        history.currency,
        history.fingerprint,
        history.transaction_id,
        history.click_id,
        history.revision,
        coalesce(lifecycle.attempts, 0) as attempts,
        history.http_status,
        history.value,
        history.previous_value,
        lifecycle.was_unknown,
        history.to_state = 'rejected' and coalesce(history.from_state = 'accepted', false) as is_rejected_later,
        history.action_at,
        history.event_time,
        lifecycle.enqueued_at,
        lifecycle.first_sent_at,
        lifecycle.accepted_at,
        lifecycle.processed_at,
        history.changed_at
    from history
    inner join lifecycle on history.postback_id = lifecycle.postback_id
    where history.recency = 1
)

select * from final
