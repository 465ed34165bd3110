{{ config(tags=['measure']) }}

-- For each conversion and destination: which of the steps from backend to acceptance it passed, and what it is worth
-- at each. What was told earlier and is gone from the source counts where it was told.
with told as (
    select
        destination,
        conversion_key,
        max(case when state not in ('cancelled', 'superseded') then 1 else 0 end) = 1 as is_enqueued,
        max(case when is_sent then 1 else 0 end) = 1 as is_sent,
        max(case when is_accepted then 1 else 0 end) = 1 as is_accepted,
        max_by(state, revision) as newest_state,
        max_by(value, case when accepted_at is not null then revision end) as reported_value
    from {{ ref('deliveries') }}
    group by 1, 2
),

final as (
    select
        decisions.conversion_key,
        decisions.destination,
        decisions.event_name,
        decisions.reason_code,
        decisions.decision,
        told.newest_state,
        decisions.currency,
        {{ local_date('decisions.occurred_at', 'capabilities.report_time_zone') }} as report_date,
        coalesce(decisions.desired_value, told.reported_value, 0) as worth,
        case when told.is_accepted then told.reported_value end as believed_value,
        coalesce(conversions.status <> 'not_qualified', false) as is_backend,
        decisions.is_eligible,
        decisions.is_matched,
        coalesce(told.is_enqueued, false) as is_enqueued,
        coalesce(told.is_sent, false) as is_sent,
        coalesce(told.is_accepted, false) as is_accepted
    from {{ ref('decisions') }} as decisions
    left join {{ ref('conversions') }} as conversions on decisions.conversion_key = conversions.conversion_key
    left join told
        on
            decisions.conversion_key = told.conversion_key
            and decisions.destination = told.destination
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on decisions.destination = capabilities.destination
)

select * from final
