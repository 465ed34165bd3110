{{ config(meta={'dagster': {'ref': {'name': 'int_decisions'}}}) }}

-- Nothing disappears: conversions × routes, and the decisions about them, are the same pairs. Looks at what this build
-- computed; what was told and has vanished is decided beside them.
with expected as (
    select
        conversions.conversion_key,
        routes.destination
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
    where {{ key_in_scope('conversions.conversion_key') }}
),

decided as (
    select
        conversion_key,
        destination
    from {{ ref('int_decisions') }}
    where reason_code not in ('source_gone', 'route_gone') and {{ key_in_scope() }}
)

select
    coalesce(expected.conversion_key, decided.conversion_key) as conversion_key,
    coalesce(expected.destination, decided.destination) as destination
from expected
full outer join decided
    on
        expected.conversion_key = decided.conversion_key
        and expected.destination = decided.destination
where expected.conversion_key is null or decided.conversion_key is null
