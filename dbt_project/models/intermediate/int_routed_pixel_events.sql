-- Each event of a browser pixel at each destination that heard it, with the source id that it names, if any: its order
-- id, or what the route's template makes of its event id. An event that names both differently counts under both.
with events as (
    select
        *,
        row_number() over (
            partition by destination, event_id order by seen desc, row_hash desc, file_row desc
        ) as version_rank
    from {{ ref('stg_pixel_events') }}
),

-- An event of a shop-wide tag names no destination: every one of them heard it.
heard as (
    select
        routes.destination,
        routes.event_name,
        events.event_id,
        events.order_id,
        case
            when {{ fits_template('routes.event_id_template', 'events.event_id') }}
                then {{ id_of_event('routes.event_id_template', 'events.event_id') }}
        end as named_id,
        events.currency,
        events.gross_amount,
        events.occurred_at
    from events
    inner join {{ ref('stg_routes') }} as routes
        on
            coalesce(events.destination, routes.destination) = routes.destination
            and lower(events.source_event) in (lower(routes.event_name), lower(routes.receiver_event))
    where events.version_rank = 1
),

final as (
    select
        destination,
        event_name,
        event_id,
        coalesce(order_id, named_id) as source_id,
        currency,
        true as is_first_name,
        gross_amount,
        occurred_at
    from heard
    union all
    select
        destination,
        event_name,
        event_id,
        named_id as source_id,
        currency,
        false as is_first_name,
        gross_amount,
        occurred_at
    from heard
    where named_id <> order_id
)

select * from final
