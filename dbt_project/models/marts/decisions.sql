with present as (
    select
        conversion_key,
        destination,
        event_name,
        source_id,
        case
            when told_by is null and reason_code = 'eligible' then 'report'
            when told_by is null then 'withhold'
            when told_by = 'pixel' and adjustment_reason = 'pixel_reported' then 'withhold'
            when adjustment_reason in ('fully_reversed', 'cancelled') then 'retract'
            when adjustment_reason = 'eligible' then 'report'
            else 'kept_as_reported'
        end as decision,
        case when told_by is null then reason_code else adjustment_reason end as reason_code,
        click_id,
        matched_by,
        identifier,
        identifier_value,
        consent_state,
        pixel_event_id,
        newest_state,
        currency,
        newest_revision,
        value,
        net_value,
        case when told_by is null then net_value else wanted_value end as desired_value,
        case when told_by is not null then reported_value end as reported_value,
        is_eligible,
        is_matched,
        is_winner,
        is_pixel_reported,
        is_claimed,
        occurred_on,
        action_at,
        occurred_at,
        eligible_at,
        clicked_at,
        touched_at
    from {{ ref('int_desired_values') }}
),

-- Told, and no longer computed: the row, or its route, is gone. Absence retracts nothing.
gone as (
    select
        reported.*,
        case when conversions.conversion_key is null then 'source_gone' else 'route_gone' end as reason_code
    from {{ ref('int_reported') }} as reported
    left join present
        on
            reported.conversion_key = present.conversion_key
            and reported.destination = present.destination
    left join {{ ref('conversions') }} as conversions on reported.conversion_key = conversions.conversion_key
    where reported.is_claimed and present.conversion_key is null
),

final as (
    select * from present
    union all by name
    select
        conversion_key,
        destination,
        event_name,
        'kept_as_reported' as decision,
        reason_code,
        newest_state,
        reported_currency as currency,
        newest_revision,
        reported_value,
        false as is_eligible,
        false as is_matched,
        false as is_winner,
        false as is_pixel_reported,
        is_claimed,
        {{ utc_date('action_at') }} as occurred_on,
        action_at,
        action_at as occurred_at
    from gone
)

select * from final
