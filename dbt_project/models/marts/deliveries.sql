{{ config(tags=['measure']) }}

with states as (
    select * from {{ ref('int_postback_states') }}
),

final as (
    select
        states.postback_id,
        states.destination,
        states.conversion_key,
        states.event_name,
        states.kind,
        states.state,
        states.reason,
        states.currency,
        states.transaction_id,
        states.click_id,
        states.revision,
        states.attempts,
        states.http_status,
        states.value,
        states.previous_value,
        states.value - coalesce(states.previous_value, 0) as delta,
        -- An adjustment may be parked without an attempt.
        states.state in ('accepted', 'processed', 'rejected', 'unknown')
        or (states.state = 'parked' and states.attempts > 0) as is_sent,
        states.state in ('accepted', 'processed') as is_accepted,
        states.is_rejected_later,
        -- The cohort is the conversion's; a conversion that is no longer there has the day that the ledger knows.
        coalesce(decisions.occurred_on, {{ utc_date('states.action_at') }}) as occurred_on,
        states.action_at,
        states.event_time,
        states.enqueued_at,
        states.first_sent_at,
        states.accepted_at,
        states.processed_at,
        states.changed_at
    from states
    left join {{ ref('int_decisions') }} as decisions
        on
            states.conversion_key = decisions.conversion_key
            and states.destination = decisions.destination
)

select * from final
