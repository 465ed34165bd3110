{{ config(tags=['measure']) }}

-- One row per destination, event and day, from the first conversion to the last day that has come in; days without any
-- conversion too.
{%- set is_candidate = "(steps.is_eligible or steps.reason_code = 'on_hold')" %}
with pixels as (
    select
        conversion_key,
        destination,
        min(occurred_at) as occurred_at
    from {{ ref('pixel_reports') }}
    where conversion_key is not null
    group by 1, 2
),

counted as (
    select
        steps.occurred_on as day,
        steps.destination,
        steps.event_name,
        count(*) as conversions,
        -- A hold says nothing about identifiers: the held are not waited for.
        sum(case when {{ is_candidate }} then 1 else 0 end) as candidates,
        sum(case when {{ is_candidate }} and steps.is_matched then 1 else 0 end) as recognised,
        sum(case when {{ is_candidate }} and steps.is_pixel_reported then 1 else 0 end) as pixel_seen,
        count(pixels.occurred_at) as pixel_reports,
        percentile_cont(0.5) within group (
            order by {{ seconds_between('steps.occurred_at', 'pixels.occurred_at') }} / 60.0
        ) as pixel_minutes
    from {{ ref('int_reconciliation_steps') }} as steps
    left join pixels
        on
            steps.conversion_key = pixels.conversion_key
            and steps.destination = pixels.destination
    where steps.is_backend
    group by 1, 2, 3
),

refunded as (
    select
        {{ utc_date('reversals.reversed_at') }} as day,
        steps.destination,
        steps.event_name,
        count(*) as refunds
    from {{ ref('reversals') }} as reversals
    inner join {{ ref('int_reconciliation_steps') }} as steps on reversals.conversion_key = steps.conversion_key
    where reversals.status in ('applied', 'over_refund')
    group by 1, 2, 3
),

firsts as (
    select
        destination,
        event_name,
        min(day) as first_day
    from counted
    group by 1, 2
),

calendar as (
    select
        firsts.destination,
        firsts.event_name,
        days.day
    from firsts
    inner join {{ ref('int_settled_days') }} as settled on firsts.event_name = settled.event_name
    inner join {{ ref('days') }} as days on days.day between firsts.first_day and settled.last_day
)

select
    calendar.destination,
    calendar.event_name,
    calendar.day,
    coalesce(counted.conversions, 0) as conversions,
    coalesce(counted.candidates, 0) as candidates,
    coalesce(counted.recognised, 0) as recognised,
    coalesce(counted.pixel_seen, 0) as pixel_seen,
    coalesce(counted.pixel_reports, 0) as pixel_reports,
    counted.pixel_minutes,
    coalesce(refunded.refunds, 0) as refunds,
    -- Refunds are of the conversions of the days before.
    sum(coalesce(counted.conversions, 0)) over (
        partition by calendar.destination, calendar.event_name
        order by calendar.day
        rows between 6 preceding and current row
    ) / 7.0 as conversions_of_late
from calendar
left join counted
    on
        calendar.day = counted.day
        and calendar.destination = counted.destination
        and calendar.event_name = counted.event_name
left join refunded
    on
        calendar.day = refunded.day
        and calendar.destination = refunded.destination
        and calendar.event_name = refunded.event_name
