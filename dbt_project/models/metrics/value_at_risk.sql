{%- set hours = [24, 72, 168] -%}

-- What a destination is still to be told, and how much of it by when its receiver will take no more. What is on hold
-- counts where, as of now, nothing but the hold keeps it back.
with open_values as (
    select
        steps.*,
        context.as_of,
        steps.reason_code = 'on_hold' as is_on_hold,
        abs(coalesce(steps.desired_value, 0) - coalesce(steps.told_value, 0)) as untold
    from {{ ref('int_reconciliation_steps') }} as steps
    cross join {{ ref('stg_build_context') }} as context
    left join {{ ref('stg_routes') }} as routes
        on
            steps.destination = routes.destination
            and steps.event_name = routes.event_name
    where
        (
            steps.reason_code = 'on_hold'
            and steps.told_value is null
            and steps.is_matched
            and steps.is_winner
            and steps.status <> 'fully_reversed'
            and steps.desired_value is not null
            and {{ consent_policy('steps.consent_state', 'routes') }} <> 'block'
            and not (steps.is_pixel_reported and routes.pixel_deduplication = 'suppress')
            or steps.decision in ('report', 'retract') and steps.told_value is distinct from steps.desired_value
        )
        -- What was refused or came too late is lost, and what may have arrived waits for a person: neither is due.
        and coalesce(steps.newest_state, 'pending') not in ('rejected', 'expired', 'unknown', 'parked')
)

select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as open_conversions,
    sum(untold) as open_value,
    sum(case when is_on_hold then 1 else 0 end) as on_hold_conversions,
    sum(case when is_on_hold then untold else 0 end) as on_hold_value,
    {%- for within in hours %}
    {%- set is_expiring = 'expires_at <= ' ~ add_hours('as_of', within) %}
    sum(case when {{ is_expiring }} then 1 else 0 end) as expiring_{{ within }}h_conversions,
    sum(case when {{ is_expiring }} then untold else 0 end) as expiring_{{ within }}h_value,
    {%- endfor %}
    sum(case when is_on_hold and expires_at < eligible_at then 1 else 0 end) as held_past_expiry_conversions,
    sum(case when is_on_hold and expires_at < eligible_at then untold else 0 end) as held_past_expiry_value
from open_values
group by 1, 2, 3, 4
