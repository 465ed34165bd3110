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
        conversion_key,
        destination,
        event_name,
        coalesce(source_id, substr(conversion_key, length(event_name) + 2)) as source_id,
        decision,
        reason_code,
        reason_category,
        {{ sentence('reason_sentence', 'explained') }} as sentence,
        click_id,
        matched_by,
        identifier,
        identifier_value,
        consent_state,
        consent_record,
        pixel_event_id,
        newest_state,
        source_currency,
        currency,
        definition_version,
        route_version,
        newest_revision,
        value,
        net_value,
        exchange_rate,
        desired_value,
        reported_value,
        is_eligible,
        is_matched,
        is_winner,
        is_pixel_reported,
        is_claimed,
        is_keys_only,
        is_due,
        occurred_on,
        action_at,
        event_time,
        occurred_at,
        eligible_at,
        window_start,
        window_end,
        clicked_at,
        not_before,
        expires_at,
        next_change_at,
        touched_at
    from explained
)

select * from final
