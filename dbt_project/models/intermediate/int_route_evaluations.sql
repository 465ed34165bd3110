-- What would be decided about each conversion and route if its destination had been told nothing yet.
with evaluated as (
    select
        routed.*,
        context.as_of,
        capabilities.takes_restatement,
        capabilities.takes_retraction,
        capabilities.takes_reinstatement,
        capabilities.adjusts_pixel,
        {{ add_hours('routed.event_time', 'capabilities.max_age_hours') }} as expires_at,
        {{ add_hours('routed.event_time', 'capabilities.adjustment_min_age_hours') }} as adjustable_from,
        {{ add_hours('routed.event_time', 'capabilities.adjustment_max_age_hours') }} as adjustable_until,
        -- Towards a receiver that deduplicates, its own window decides who removes the duplicate: it or we.
        routed.is_pixel_reported
        and (
            routed.pixel_deduplication = 'suppress'
            or (
                routed.pixel_deduplication = 'receiver'
                and context.as_of > coalesce(
                    {{ add_hours('routed.event_time', 'capabilities.dedup_window_hours') }}, context.as_of
                )
            )
        ) as is_suppressed
    from {{ ref('int_routed_conversions') }} as routed
    cross join {{ ref('stg_build_context') }} as context
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on routed.destination = capabilities.destination
),

final as (
    select
        *,
        case
            when status in ('test_order', 'not_qualified', 'cancelled', 'zero_value') then status
            when action_at < start_at then 'before_start'
            when action_at >= end_at then 'after_end'
            when as_of < eligible_at then 'on_hold'
            when not is_matched then 'no_match'
            when not is_winner then 'lost_to_other_route'
            when consent_state = 'denied' then 'consent_denied'
            when consent_state = 'unknown' and consent_unknown = 'block' then 'consent_unknown'
            when is_suppressed then 'pixel_reported'
            when net_value = 0 and value > 0 then 'fully_reversed'
            when as_of > expires_at then 'too_old'
            else 'eligible'
        end as reason_code
    from evaluated
)

select
    *,
    reason_code not in (
        'test_order', 'not_qualified', 'cancelled', 'zero_value', 'before_start', 'after_end', 'on_hold'
    ) as is_eligible
from final
