-- Up to the platform's report each conversion has a cause; there, what is known of it comes off, and the rest is
-- unexplained.
with known as (
    select
        report_date,
        destination,
        event_name,
        currency,
        step,
        cause,
        code,
        conversions,
        value
    from {{ ref('int_step_differences') }}
    union all
    -- Only where the platform has told of the day is there a difference.
    select
        differences.report_date,
        differences.destination,
        differences.event_name,
        differences.currency,
        'reported' as step,
        differences.cause,
        cast(null as varchar) as code,
        differences.conversions,
        differences.value
    from {{ ref('int_report_differences') }} as differences
    inner join {{ ref('int_platform_reports') }} as reports
        on
            differences.report_date = reports.report_date
            and differences.destination = reports.destination
            and differences.event_name = reports.event_name
            and differences.currency = reports.currency
),

differences as (
    select * from known
    union all
    select
        report_date,
        destination,
        event_name,
        currency,
        step,
        'unexplained' as cause,
        cast(null as varchar) as code,
        -conversions as conversions,
        -value as value
    from known
    where step = 'reported'
    union all
    select
        report_date,
        destination,
        event_name,
        currency,
        'reported' as step,
        'unexplained' as cause,
        cast(null as varchar) as code,
        reported_conversions - processed_conversions as conversions,
        reported_value - processed_value as value
    from {{ ref('reconciliation') }}
    where reported_conversions is not null
)

select
    differences.report_date,
    differences.destination,
    differences.event_name,
    differences.currency,
    case differences.step
        when 'eligible' then 2
        when 'enqueued' then 3
        when 'sent' then 4
        when 'accepted' then 5
        when 'processed' then 6
        when 'reported' then 7
    end as step_number,
    differences.step,
    cause_codes.cause_group,
    differences.cause,
    differences.code,
    sum(differences.conversions) as conversions,
    cast(sum(differences.value) as decimal(18, 4)) as value
from differences
left join {{ ref('cause_codes') }} as cause_codes on differences.cause = cause_codes.cause
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
