-- What would be decided about each conversion and route if its destination had been told nothing yet.
with measured as (
    select
        routed.*,
        context.as_of,
        capabilities.takes_restatement,
        capabilities.takes_retraction,
        capabilities.takes_reinstatement,
        capabilities.takes_increase,
        capabilities.adjusts_pixel,
        assigned.experiment,
        assigned.experiment_unit,
        coalesce(assigned.is_held_out, false) as is_held_out,
        coalesce(unclaimed.is_winner, true) as would_win_untold,
        routed.is_click_matched
        -- A person whose attributes may not leave cannot be matched by them.
        or (routed.is_person_matched and routed.consent_policy <> 'strip') as is_matched,
        {{ add_hours('routed.event_time', 'capabilities.max_age_hours') }} as expires_at,
        {{ add_hours('routed.event_time', 'capabilities.adjustment_min_age_hours') }} as adjustable_from,
        {{ add_hours('routed.event_time', 'capabilities.adjustment_max_age_hours') }} as adjustable_until,
        case
            when routed.is_pixel_reported and routed.pixel_deduplication = 'receiver'
                then {{ add_hours('routed.event_time', 'capabilities.dedup_window_hours') }}
        end as deduplicated_until
    from {{ ref('int_routed_conversions') }} as routed
    cross join {{ ref('stg_build_context') }} as context
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on routed.destination = capabilities.destination
    left join {{ ref('int_experiment_assignments') }} as assigned
        on
            routed.conversion_key = assigned.conversion_key
            and routed.destination = assigned.destination
    left join {{ ref('int_unclaimed_winners') }} as unclaimed
        on
            routed.conversion_key = unclaimed.conversion_key
            and routed.destination = unclaimed.destination
),

evaluated as (
    select
        *,
        -- Where the pixel is the source of truth it wins. Elsewhere, towards a receiver that deduplicates, its own
        -- window decides who removes the duplicate: it or we.
        is_pixel_reported
        and (source_of_truth = 'pixel' or pixel_deduplication = 'suppress' or as_of > deduplicated_until) is true
            as is_suppressed,
        -- Whether the destination would be told after its hold if there were no experiment: the same for both groups,
        -- moved neither by time, nor by what is taken back afterwards, nor by what was told.
        experiment is not null
        and status in ('qualified', 'partly_reversed', 'fully_reversed', 'cancelled', 'disqualified')
        and action_at >= start_at
        and (end_at is null or action_at < end_at)
        and is_matched
        and would_win_untold
        and not (consent_policy = 'block' and consent_state in ('denied', 'unknown'))
        and not (is_pixel_reported and (source_of_truth = 'pixel' or pixel_deduplication = 'suppress'))
            as is_comparable
    from measured
),

final as (
    select
        *,
        case
            when status in (
                'test_order', 'not_qualified', 'cancelled', 'disqualified', 'value_missing', 'zero_value', 'not_first'
            ) then status
            when action_at < start_at then 'before_start'
            when action_at >= end_at then 'after_end'
            when as_of < eligible_at then 'on_hold'
            -- Also a person whose attributes may not leave.
            when not is_matched and (has_unusable_identifier or is_person_matched) then 'no_usable_identifier'
            when not is_matched then 'no_match'
            when not is_winner then 'lost_to_other_route'
            when consent_state = 'denied' and consent_policy = 'block' then 'consent_denied'
            when consent_state = 'unknown' and consent_policy = 'block' then 'consent_unknown'
            -- That the receiver's window passed meanwhile does not explain what was held out while it was open.
            when is_suppressed and not (is_held_out and is_comparable) then 'pixel_reported'
            when status = 'fully_reversed' then 'fully_reversed'
            when is_held_out then 'holdout'
            when as_of > expires_at then 'too_old'
            else 'eligible'
        end as reason_code
    from evaluated
)

select
    *,
    reason_code not in (
        'test_order', 'not_qualified', 'cancelled', 'disqualified', 'value_missing', 'zero_value', 'not_first',
        'before_start', 'after_end', 'on_hold'
    ) as is_eligible
from final
