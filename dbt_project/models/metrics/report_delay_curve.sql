-- One row per reported day and time since its end on the platform's own clocks. What a report said then is the newest
-- of its versions that had been loaded by then: a file that was rewritten in place tells of its last version only.
with versions as (
    select
        reports.*,
        {{ midnight('reports.report_date + 1', 'capabilities.report_time_zone') }} as ended_at
    from {{ ref('stg_platform_reports') }} as reports
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on reports.destination = capabilities.destination
),

known as (
    select
        versions.*,
        horizons.hours as after_hours,
        {{ report_recency('versions', per=['horizons.hours']) }} as recency,
        {{ is_displaced_by_pull('versions', per=['horizons.hours']) }} as is_displaced
    from versions
    inner join {{ horizons() }}
        on versions.loaded_at <= {{ add_hours('versions.ended_at', 'horizons.hours') }}
),

told as (
    select
        report_date,
        destination,
        event_name,
        currency,
        after_hours,
        sum(conversions) as reported_conversions,
        sum(value) as reported_value
    from known
    where recency = 1 and not is_displaced
    group by 1, 2, 3, 4, 5
),

final as (
    select
        rates.report_date,
        rates.destination,
        rates.event_name,
        rates.currency,
        horizons.hours as after_hours,
        rates.accepted_conversions,
        coalesce(told.reported_conversions, 0) as reported_conversions,
        rates.accepted_value,
        coalesce(told.reported_value, 0) as reported_value
    from {{ ref('report_rate') }} as rates
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on rates.destination = capabilities.destination
    cross join {{ ref('stg_build_context') }} as context
    inner join {{ horizons() }}
        on
            {{ add_hours(midnight('rates.report_date + 1', 'capabilities.report_time_zone'), 'horizons.hours') }}
            <= context.as_of
    left join told
        on
            rates.report_date = told.report_date
            and rates.destination = told.destination
            and rates.event_name = told.event_name
            and rates.currency is not distinct from told.currency
            and horizons.hours = told.after_hours
)

select
    *,
    {{ ratio('reported_conversions', 'accepted_conversions') }} as reported_share
from final
