{{ config(tags=['measure']) }}

-- What the newest report of a platform cannot have counted as we do, conversion by conversion: its click lies outside
-- the report's window, its day or its currency is another one there.
with reports as (
    select
        *,
        count(*) over (partition by report_date, destination, event_name) as currencies
    from {{ ref('int_platform_reports') }}
),

-- Where a report says that its days are of another zone than the settings do.
zones as (
    select
        reports.destination,
        reports.event_name,
        max_by(reports.time_zone, reports.report_date) as time_zone
    from reports
    inner join {{ ref('stg_destination_capabilities') }} as capabilities
        on reports.destination = capabilities.destination
    where
        reports.time_zone <> capabilities.report_time_zone
        and {{ is_time_zone('reports.time_zone') }}
    group by 1, 2
),

booked as (
    select
        steps.*,
        coalesce({{ local_date('steps.occurred_at', 'zones.time_zone') }}, steps.report_date) as platform_date
    from {{ ref('int_reconciliation_steps') }} as steps
    left join zones
        on
            steps.destination = zones.destination
            and steps.event_name = zones.event_name
    where steps.is_processed
),

compared as (
    select
        booked.*,
        reports.currency as platform_currency,
        case
            when {{ add_hours('booked.clicked_at', 'reports.click_window_days * 24') }} < booked.occurred_at
                then 'attribution_window'
            when booked.currency <> reports.currency then 'currency'
        end as cause,
        {{ exchanged_by(
            'booked.processed_value', 'booked.currency', 'here', 'reports.currency', 'there', 'currencies.minor_units'
        ) }} as platform_value
    from booked
    -- In the currency that it was told; where the platform tells of one other currency only, in that one.
    inner join reports
        on
            booked.platform_date = reports.report_date
            and booked.destination = reports.destination
            and booked.event_name = reports.event_name
            and (booked.currency = reports.currency or reports.currencies = 1)
    left join {{ ref('stg_currencies') }} as currencies on reports.currency = currencies.currency
    left join {{ ref('int_measured_rates') }} as here
        on
            booked.currency = here.currency
            and booked.report_date = here.day
    left join {{ ref('int_measured_rates') }} as there
        on
            reports.currency = there.currency
            and booked.report_date = there.day
)
{% for day, sign in [('report_date', '-'), ('platform_date', '')] %}
select
    conversion_key,
    destination,
    event_name,
    currency,
    'time_zone_shift' as cause,
    {{ sign }}1 as conversions,
    {{ sign }}processed_value as value,
    {{ day }} as report_date,
    occurred_at
from booked
where report_date <> platform_date
union all
{%- endfor %}
select
    conversion_key,
    destination,
    event_name,
    platform_currency as currency,
    cause,
    case when cause = 'currency' then 1 else -1 end as conversions,
    case when cause = 'currency' then platform_value else -processed_value end as value,
    platform_date as report_date,
    occurred_at
from compared
where
    cause is not null
    and case when cause = 'currency' then platform_value is not null else currency = platform_currency end
