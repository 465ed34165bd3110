{{ config(tags=['measure']) }}

with states as (
    select * from {{ ref('int_postback_states') }}
),

final as (
    select
        postback_id,
        destination,
        conversion_key,
        event_name,
        kind,
        state,
        reason,
        currency,
        transaction_id,
        click_id,
        revision,
        attempts,
        http_status,
        value,
        previous_value,
        value - coalesce(previous_value, 0) as delta,
        state in ('accepted', 'processed', 'rejected', 'unknown', 'parked') as is_sent,
        state in ('accepted', 'processed') as is_accepted,
        {{ utc_date('action_at') }} as occurred_on,
        action_at,
        event_time,
        enqueued_at,
        first_sent_at,
        accepted_at,
        changed_at
    from states
)

select * from final
