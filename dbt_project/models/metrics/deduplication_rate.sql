with server as (
    select
        occurred_on,
        destination,
        event_name,
        count(*) as server_reports,
        sum(case when is_pixel_reported and pixel_deduplication <> 'none' then 1 else 0 end) as removed_duplicates
    from {{ ref('int_desired_values') }}
    where is_eligible and is_matched and is_winner
    group by 1, 2, 3
),

pixel as (
    select
        {{ utc_date('events.occurred_at') }} as occurred_on,
        routes.destination,
        routes.event_name,
        count(distinct events.event_id) as pixel_reports
    from {{ ref('stg_pixel_events') }} as events
    inner join {{ ref('stg_routes') }} as routes
        on
            coalesce(events.destination, routes.destination) = routes.destination
            and lower(events.pixel_event) in (lower(routes.event_name), lower(routes.receiver_event))
    group by 1, 2, 3
),

final as (
    select
        coalesce(server.occurred_on, pixel.occurred_on) as occurred_on,
        coalesce(server.destination, pixel.destination) as destination,
        coalesce(server.event_name, pixel.event_name) as event_name,
        coalesce(server.server_reports, 0) as server_reports,
        coalesce(pixel.pixel_reports, 0) as pixel_reports,
        coalesce(server.removed_duplicates, 0) as removed_duplicates
    from server
    full outer join pixel
        on
            server.occurred_on = pixel.occurred_on
            and server.destination = pixel.destination
            and server.event_name = pixel.event_name
)

select
    *,
    {{ ratio('removed_duplicates', 'server_reports + pixel_reports') }} as deduplication_rate
from final
