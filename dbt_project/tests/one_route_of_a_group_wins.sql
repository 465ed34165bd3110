{{ config(meta={'dagster': {'ref': {'name': 'int_decisions'}}}) }}

-- Routes of one group share no conversion: at most one of them is told of it. Looks at what this build computed.
select
    decisions.conversion_key,
    routes.scope,
    count(*) as winners
from {{ ref('int_decisions') }} as decisions
inner join {{ ref('stg_routes') }} as routes
    on
        decisions.destination = routes.destination
        and decisions.event_name = routes.event_name
where
    routes.scope <> 'network'
    and decisions.matched_by is not null
    and decisions.is_winner
    and {{ key_in_scope('decisions.conversion_key') }}
group by 1, 2
having count(*) > 1
