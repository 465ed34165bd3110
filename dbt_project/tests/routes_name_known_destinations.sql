{{ config(meta={'dagster': {'ref': {'name': 'stg_routes'}}}) }}

-- A route without a receiver's capabilities would drop out of every decision.
select routes.destination
from {{ ref('stg_routes') }} as routes
left join {{ ref('stg_destination_capabilities') }} as capabilities on routes.destination = capabilities.destination
where capabilities.destination is null
