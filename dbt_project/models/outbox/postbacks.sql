-- A window names the days whose conversions may leave for the first time. What the ledger knows, and what changed
-- since the build before, is brought up to date whatever its day.
with due as (
    select
        decisions.*,
        case when decisions.decision in ('report', 'retract') then decisions.desired_value else 0 end as new_value,
        case when decisions.told_by in ('ledger', 'pixel') then decisions.reported_value end as last_value
    from {{ ref('int_decisions') }} as decisions
    cross join {{ ref('stg_build_context') }} as context
    where
        decisions.is_due
        and (
            context.window_start is null
            or decisions.occurred_on between context.window_start and context.window_end
            or decisions.newest_revision is not null
            or decisions.touched_at > context.previous_as_of
        )
),

final as (
    select
        due.destination,
        due.conversion_key,
        due.event_name,
        routes.receiver_event,
        due.reason_code,
        {{ fingerprint('due.new_value', 'due.currency') }} as fingerprint,
        due.currency,
        {{ event_id('routes.event_id_template', 'conversions.source_id') }} as event_id,
        conversions.source_id as transaction_id,
        due.click_id,
        coalesce(identifiers.identifiers, '{}') as identifiers,
        coalesce(persons.person, '{}') as person,
        due.consent,
        conversions.definition_version || '.' || due.route_version || '.' || conversions.value_version
            as definition_version,
        coalesce(due.newest_revision, 0) as computed_against,
        due.decision = 'report' and due.new_value = 0 as zero_counts,
        due.is_keys_only as keys_only,
        cast(due.new_value as decimal(18, 4)) as desired_value,
        cast(due.last_value as decimal(18, 4)) as last_accepted_value,
        cast(due.new_value - coalesce(due.last_value, 0) as decimal(18, 4)) as delta,
        cast(case when due.told_by = 'pixel' then due.reported_value end as decimal(18, 4)) as pixel_reported_value,
        cast(due.exchange_rate as decimal(28, 12)) as exchange_rate,
        due.occurred_on,
        due.action_at,
        due.event_time,
        due.clicked_at,
        due.not_before,
        due.expires_at
    from due
    inner join {{ ref('conversions') }} as conversions on due.conversion_key = conversions.conversion_key
    inner join {{ ref('stg_routes') }} as routes
        on
            due.destination = routes.destination
            and due.event_name = routes.event_name
    left join {{ ref('int_due_identifiers') }} as identifiers
        on
            due.conversion_key = identifiers.conversion_key
            and due.destination = identifiers.destination
    left join {{ ref('int_due_persons') }} as persons
        on
            due.conversion_key = persons.conversion_key
            and not due.is_keys_only
)

select * from final
