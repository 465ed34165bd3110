-- What the destination's clicks brought, whether it was told or not, beside what they cost, day by day of its own zone.
with worth as (
    select
        steps.report_date,
        steps.destination,
        steps.event_name,
        {{ exchanged_by(
            'steps.net_value', 'steps.source_currency', 'here', 'spend.currency', 'there', 'currencies.minor_units'
        ) }} as net_value
    from {{ ref('int_reconciliation_steps') }} as steps
    inner join {{ ref('int_daily_spend') }} as spend
        on
            steps.report_date = spend.spent_on
            and steps.destination = spend.destination
    left join {{ ref('stg_currencies') }} as currencies on spend.currency = currencies.currency
    left join {{ ref('int_measured_rates') }} as here
        on
            steps.source_currency = here.currency
            and steps.report_date = here.day
    left join {{ ref('int_measured_rates') }} as there
        on
            spend.currency = there.currency
            and steps.report_date = there.day
    where
        steps.is_matched
        and steps.is_winner
        and steps.status in ('qualified', 'partly_reversed')
),

counted as (
    select
        report_date,
        destination,
        event_name,
        count(*) as conversions,
        count(*) - count(net_value) as conversions_without_rate,
        sum(net_value) as net_value
    from worth
    group by 1, 2, 3
),

final as (
    select
        spend.spent_on as report_date,
        spend.destination,
        routes.event_name,
        spend.currency,
        coalesce(counted.conversions, 0) as conversions,
        coalesce(counted.conversions_without_rate, 0) as conversions_without_rate,
        spend.cost,
        case
            when coalesce(counted.conversions_without_rate, 0) = 0
                then cast(coalesce(counted.net_value, 0) as decimal(38, 4))
        end as net_value
    from {{ ref('int_daily_spend') }} as spend
    inner join {{ ref('stg_routes') }} as routes on spend.destination = routes.destination
    left join counted
        on
            spend.spent_on = counted.report_date
            and spend.destination = counted.destination
            and routes.event_name = counted.event_name
)

select
    *,
    {{ ratio('cost', 'conversions') }} as cpa,
    {{ ratio('net_value', 'cost') }} as roas
from final
