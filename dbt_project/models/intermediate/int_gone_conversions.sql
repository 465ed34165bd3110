-- Told, and no longer computed: the row, or its route, is gone. Absence retracts nothing.
with present as (
    select
        conversions.conversion_key,
        routes.destination
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
    where {{ key_in_scope('conversions.conversion_key') }}
),

gone as (
    select
        reported.*,
        case when records.conversion_key is null then 'source_gone' else 'route_gone' end as reason_code
    from {{ ref('int_reported') }} as reported
    left join present
        on
            reported.conversion_key = present.conversion_key
            and reported.destination = present.destination
    left join {{ ref('int_records') }} as records on reported.conversion_key = records.conversion_key
    where reported.is_claimed and present.conversion_key is null
)

select
    conversion_key,
    destination,
    event_name,
    'kept_as_reported' as decision,
    reason_code,
    'ledger' as told_by,
    reported_click_id as click_id,
    cast(null as varchar) as matched_by,
    cast(null as varchar) as identifier,
    cast(null as varchar) as identifier_value,
    cast(null as varchar) as consent_state,
    cast(null as varchar) as consent,
    cast(null as varchar) as consent_record,
    cast(null as varchar) as pixel_event_id,
    cast(null as varchar) as experiment,
    cast(null as varchar) as experiment_unit,
    newest_state,
    cast(null as varchar) as source_currency,
    reported_currency as currency,
    cast(null as varchar) as route_version,
    newest_revision,
    cast(null as decimal(18, 4)) as value,
    cast(null as decimal(18, 4)) as net_value,
    reported_rate as exchange_rate,
    cast(null as decimal(18, 4)) as desired_value,
    reported_value,
    false as is_eligible,
    false as is_matched,
    false as is_winner,
    false as is_pixel_reported,
    is_claimed,
    false as is_keys_only,
    false as is_held_out,
    false as is_comparable,
    false as is_due,
    {{ utc_date('action_at') }} as occurred_on,
    action_at,
    event_time,
    action_at as occurred_at,
    cast(null as timestamp with time zone) as eligible_at,
    cast(null as timestamp with time zone) as clicked_at,
    cast(null as timestamp with time zone) as not_before,
    cast(null as timestamp with time zone) as expires_at,
    cast(null as timestamp with time zone) as touched_at,
    cast(null as timestamp with time zone) as next_change_at
from gone
