with source as (
    select * from {{ source('raw', 'ledger_history') }}
),

renamed as (
    select
        seq,
        postback_id,
        destination,
        conversion_key,
        event_name,
        kind,
        currency,
        fingerprint,
        transaction_id,
        click_id,
        definition_version,
        from_state,
        to_state,
        outcome,
        phase,
        reason,
        actor,
        revision,
        attempt,
        http_status,
        value,
        previous_value,
        exchange_rate,
        action_at,
        event_time,
        {{ adapter.quote('at') }} as changed_at
    from source
)

select * from renamed
