{{ config(tags=['measure']) }}

-- For each event, the last day whose conversions have come in, as far as they usually take: what is still on its way is
-- no drop. What was there when the warehouse was first loaded says nothing of how long anything takes.
with bounds as (
    select {{ add_hours('min(changed_at)', 1) }} as first_load
    from {{ ref('conversions') }}
),

arrivals as (
    select
        conversions.event_name,
        case
            when
                conversions.status = 'qualified'
                and conversions.changed_at > bounds.first_load
                and conversions.occurred_at > {{ add_hours('context.as_of', '-56 * 24') }}
                then {{ seconds_between('conversions.occurred_at', 'conversions.changed_at') }} / 3600.0
        end as hours
    from {{ ref('conversions') }} as conversions
    cross join bounds
    cross join {{ ref('stg_build_context') }} as context
),

usual as (
    select
        event_name,
        percentile_cont(0.98) within group (order by hours) as hours
    from arrivals
    group by 1
),

final as (
    select
        usual.event_name,
        context.as_of,
        -- An hour at least, a week at most.
        least(greatest(coalesce(usual.hours, 1), 1), 168) as settle_hours
    from usual
    cross join {{ ref('stg_build_context') }} as context
)

select
    event_name,
    settle_hours,
    {{ utc_date(add_hours('as_of', '-settle_hours')) }} - 1 as last_day
from final
