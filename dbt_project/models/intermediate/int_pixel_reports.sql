with events as (
    select
        *,
        row_number() over (partition by destination, event_id order by seen desc, row_hash desc) as row_rank
    from {{ ref('stg_pixel_events') }}
),

routed as (
    select
        conversions.conversion_key,
        conversions.source_id,
        routes.destination,
        lower(routes.event_name) as event_name,
        lower(routes.receiver_event) as receiver_event,
        {{ event_id('routes.event_id_template', 'conversions.source_id') }} as event_id
    from {{ ref('int_order_conversions') }} as conversions
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
),

paired as (
    {%- for pixel_key, server_key in [('order_id', 'source_id'), ('event_id', 'event_id')] %}
    select
        routed.conversion_key,
        routed.destination,
        events.event_id as pixel_event_id,
        events.currency as pixel_currency,
        events.value as pixel_value,
        events.occurred_at as pixel_reported_at
    from routed
    inner join events on routed.{{ server_key }} = events.{{ pixel_key }}
    where
        events.row_rank = 1
        -- An event of a shop-wide tag names no destination: every one of them heard it.
        and coalesce(events.destination, routed.destination) = routed.destination
        and lower(events.pixel_event) in (routed.event_name, routed.receiver_event)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by conversion_key, destination
            order by pixel_reported_at, pixel_event_id
        ) as pick,
        count(distinct pixel_event_id) over (partition by conversion_key, destination) as pixel_reports
    from paired
)

select
    conversion_key,
    destination,
    pixel_event_id,
    pixel_currency,
    pixel_reports,
    pixel_value,
    pixel_reported_at
from ranked
where pick = 1
