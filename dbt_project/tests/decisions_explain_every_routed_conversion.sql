{{ config(meta={'dagster': {'ref': {'name': 'int_decisions'}}}) }}

-- Nothing is unexplained: per route, what its decisions say of the conversions, reason by reason, adds up to all of its
-- conversions, in count and money. Over the whole history, in whatever order it was built.
with expected as (
    select
        routes.destination,
        conversions.event_name,
        conversions.currency,
        count(*) as conversions,
        sum(conversions.value) as value,
        sum(conversions.net_value) as net_value
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
    group by 1, 2, 3
),

by_reason as (
    select
        destination,
        event_name,
        source_currency as currency,
        decision,
        reason_code,
        count(*) as conversions,
        sum(value) as value,
        sum(net_value) as net_value
    from {{ ref('int_decisions') }}
    where reason_code not in ('source_gone', 'route_gone')
    group by 1, 2, 3, 4, 5
),

explained as (
    select
        destination,
        event_name,
        currency,
        sum(conversions) as conversions,
        sum(value) as value,
        sum(net_value) as net_value
    from by_reason
    group by 1, 2, 3
)

select
    coalesce(expected.destination, explained.destination) as destination,
    coalesce(expected.event_name, explained.event_name) as event_name,
    coalesce(expected.currency, explained.currency) as currency,
    coalesce(expected.conversions, 0) - coalesce(explained.conversions, 0) as unexplained_conversions,
    coalesce(expected.net_value, 0) - coalesce(explained.net_value, 0) as unexplained_value
from expected
full outer join explained
    on
        expected.destination = explained.destination
        and expected.event_name = explained.event_name
        and expected.currency is not distinct from explained.currency
where
    expected.conversions is distinct from explained.conversions
    or expected.value is distinct from explained.value
    or expected.net_value is distinct from explained.net_value
