with known as (
    select distinct identifier from {{ ref('int_click_identifiers') }}
    union
    select distinct identifier from {{ ref('int_record_identifiers') }}
),

final as (
    select
        routes.destination,
        routes.event_name,
        known.identifier,
        -- The order in which the route names them is the order in which it prefers them.
        position('|' || known.identifier || '|' in '|' || routes.identifiers || '|') as preference
    from {{ ref('stg_routes') }} as routes
    inner join known on {{ in_list('known.identifier', 'routes.identifiers') }}
)

select * from final
