{{ config(materialized='view') }}

with explained as (
    select
        decisions.*,
        conversions.source_id,
        conversions.definition_version,
        case
            when routes.match_on <> 'identity'
                then {{ add_hours('conversions.attribution_at', '-24 * routes.lookback_days') }}
        end as window_start,
        conversions.attribution_at as window_end,
        reasons.category as reason_category,
        reasons.sentence as reason_sentence
    from {{ ref('int_decisions') }} as decisions
    left join {{ ref('conversions') }} as conversions on decisions.conversion_key = conversions.conversion_key
    left join {{ ref('stg_routes') }} as routes
        on
            decisions.destination = routes.destination
            and decisions.event_name = routes.event_name
    left join {{ ref('reason_codes') }} as reasons on decisions.reason_code = reasons.reason_code
),

final as (
    select
        explained.conversion_key,
        explained.destination,
        explained.event_name,
        coalesce(source_id, substr(explained.conversion_key, length(explained.event_name) + 2)) as source_id,
        explained.decision,
        explained.reason_code,
        explained.reason_category,
        {{ sentence('reason_sentence', 'explained') }} as sentence,
        explained.click_id,
        explained.matched_by,
        explained.identifier,
        explained.identifier_value,
        explained.consent_state,
        explained.consent_record,
        explained.pixel_event_id,
        explained.experiment,
        explained.experiment_unit,
        explained.newest_state,
        explained.source_currency,
        explained.currency,
        explained.definition_version,
        explained.route_version,
        explained.newest_revision,
        explained.value,
        explained.net_value,
        explained.exchange_rate,
        explained.desired_value,
        explained.reported_value,
        explained.is_eligible,
        explained.is_matched,
        explained.is_winner,
        explained.is_pixel_reported,
        explained.is_claimed,
        explained.is_keys_only,
        explained.is_held_out,
        explained.is_comparable,
        explained.is_due,
        explained.occurred_on,
        explained.action_at,
        explained.event_time,
        explained.occurred_at,
        explained.eligible_at,
        explained.window_start,
        explained.window_end,
        explained.clicked_at,
        explained.not_before,
        explained.expires_at,
        explained.next_change_at,
        explained.touched_at
    from explained
)

select * from final
