with decisions as (
    select * from {{ ref('decisions') }}
),

evaluations as (
    select * from {{ ref('int_desired_values') }}
),

candidates as (
    select
        evaluations.*,
        decisions.decision,
        decisions.reason_code as decided_reason,
        case when decisions.decision in ('report', 'retract') then decisions.desired_value else 0 end as desired_value,
        -- A postback that was cancelled or replaced says nothing; what counts is what was accepted before it.
        case
            when evaluations.newest_state in ('cancelled', 'superseded') then evaluations.reported_fingerprint
            else evaluations.newest_fingerprint
        end as told_fingerprint,
        -- Told nothing, something on its way, and a present row says no: it must not leave.
        decisions.decision = 'withhold'
        and evaluations.newest_state in ('pending', 'held', 'retry')
        and evaluations.reason_code not in ('no_match', 'too_old') as is_withdrawn,
        case
            when evaluations.consent_state in ('granted', 'not_required')
                then {{ json_columns(person_attributes(), 'identities') }}
            else '{}'
        end as person
    from evaluations
    inner join decisions
        on
            evaluations.conversion_key = decisions.conversion_key
            and evaluations.destination = decisions.destination
    inner join {{ ref('int_order_conversions') }} as identities
        on evaluations.conversion_key = identities.conversion_key
    where decisions.decision in ('report', 'retract', 'withhold')
),

due as (
    select
        *,
        {{ fingerprint('desired_value', 'currency') }} as fingerprint
    from candidates
    where decision in ('report', 'retract') or is_withdrawn
),

-- A window names the days whose conversions may leave for the first time. What the ledger knows, and what changed
-- since the build before, is brought up to date whatever its day.
in_window as (
    select due.*
    from due
    cross join {{ ref('stg_build_context') }} as context
    where
        context.window_start is null
        or due.occurred_on between context.window_start and context.window_end
        or due.newest_revision is not null
        or due.touched_at > context.previous_as_of
),

final as (
    select
        destination,
        conversion_key,
        event_name,
        receiver_event,
        decided_reason as reason_code,
        fingerprint,
        currency,
        event_id,
        source_id as transaction_id,
        click_id,
        coalesce(identifiers, '{}') as identifiers,
        person,
        definition_version || '.' || route_version as definition_version,
        coalesce(newest_revision, 0) as computed_against,
        decision = 'report' and desired_value = 0 as zero_counts,
        cast(desired_value as decimal(18, 4)) as desired_value,
        cast(case when told_by in ('ledger', 'pixel') then reported_value end as decimal(18, 4)) as last_accepted_value,
        cast(
            desired_value - coalesce(case when told_by in ('ledger', 'pixel') then reported_value end, 0)
            as decimal(18, 4)
        ) as delta,
        cast(case when told_by = 'pixel' then reported_value end as decimal(18, 4)) as pixel_reported_value,
        occurred_on,
        action_at,
        event_time,
        clicked_at,
        case when told_by is not null then adjustable_from end as not_before,
        case when told_by is null then expires_at else adjustable_until end as expires_at
    from in_window
    where fingerprint is distinct from told_fingerprint
)

select * from final
