with server as (
    select
        decisions.occurred_on,
        decisions.destination,
        decisions.event_name,
        count(*) as server_reports,
        sum(case when decisions.is_pixel_reported and routes.pixel_deduplication <> 'none' then 1 else 0 end)
            as removed_duplicates
    from {{ ref('decisions') }} as decisions
    inner join {{ ref('stg_routes') }} as routes
        on
            decisions.destination = routes.destination
            and decisions.event_name = routes.event_name
    where decisions.is_eligible and decisions.is_matched and decisions.is_winner
    group by 1, 2, 3
),

pixel as (
    select
        occurred_on,
        destination,
        event_name,
        count(*) as pixel_reports,
        sum(case when seen_by = 'pixel' then 1 else 0 end) as pixel_only
    from {{ ref('pixel_reports') }}
    group by 1, 2, 3
),

final as (
    select
        coalesce(server.occurred_on, pixel.occurred_on) as occurred_on,
        coalesce(server.destination, pixel.destination) as destination,
        coalesce(server.event_name, pixel.event_name) as event_name,
        coalesce(server.server_reports, 0) as server_reports,
        coalesce(pixel.pixel_reports, 0) as pixel_reports,
        coalesce(pixel.pixel_only, 0) as pixel_only,
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
