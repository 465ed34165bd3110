with daily as (
    select
        experiment,
        experiment_group,
        destination,
        currency,
        occurred_on,
        sum(case when is_entry then 1 else 0 end) as entered_units,
        sum(case when is_comparable then 1 else 0 end) as conversions,
        sum(case when is_comparable then net_value else 0 end) as value,
        sum(case when is_comparable and is_known then 1 else 0 end) as known_conversions,
        sum(case when is_comparable and is_known then net_value else 0 end) as known_value
    from {{ ref('int_experiment_conversions') }}
    group by 1, 2, 3, 4, 5
),

together as (
    select
        experiment,
        destination,
        currency,
        occurred_on,
        sum(entered_units) as entered_units,
        sum(conversions) as conversions,
        sum(value) as value,
        sum(known_conversions) as known_conversions,
        sum(known_value) as known_value
    from daily
    group by 1, 2, 3, 4
),

-- A platform's report knows no groups: it stands beside both of them together.
reported as (
    select
        experiments.experiment,
        reports.report_date,
        reports.currency,
        sum(reports.conversions) as conversions,
        sum(reports.value) as value
    from {{ ref('stg_experiments') }} as experiments
    inner join {{ ref('int_platform_reports') }} as reports
        on
            experiments.destination = reports.destination
            and coalesce(experiments.event_name, reports.event_name) = reports.event_name
    group by 1, 2, 3
)

select
    experiment,
    experiment_group,
    destination,
    currency,
    occurred_on,
    cast(entered_units as bigint) as entered_units,
    cast(conversions as bigint) as conversions,
    cast(value as decimal(18, 4)) as value,
    cast(known_conversions as bigint) as known_conversions,
    cast(known_value as decimal(18, 4)) as known_value,
    cast(null as decimal(18, 4)) as platform_reported_conversions,
    cast(null as decimal(18, 4)) as platform_reported_value
from daily
union all
select
    together.experiment,
    '(all)' as experiment_group,
    together.destination,
    together.currency,
    together.occurred_on,
    cast(together.entered_units as bigint) as entered_units,
    cast(together.conversions as bigint) as conversions,
    cast(together.value as decimal(18, 4)) as value,
    cast(together.known_conversions as bigint) as known_conversions,
    cast(together.known_value as decimal(18, 4)) as known_value,
    cast(reported.conversions as decimal(18, 4)) as platform_reported_conversions,
    cast(reported.value as decimal(18, 4)) as platform_reported_value
from together
left join reported
    on
        together.experiment = reported.experiment
        and together.occurred_on = reported.report_date
        and together.currency = reported.currency
