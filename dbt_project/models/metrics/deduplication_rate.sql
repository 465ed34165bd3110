with server as (
    select
        steps.occurred_on,
        steps.destination,
        steps.event_name,
        steps.currency,
        count(*) as server_reports,
        sum(case when steps.is_pixel_reported and routes.pixel_deduplication <> 'none' then 1 else 0 end)
            as removed_duplicates,
        sum(case when steps.is_pixel_reported and routes.pixel_deduplication <> 'none' then steps.worth else 0 end)
            as removed_value
    from {{ ref('int_reconciliation_steps') }} as steps
    inner join {{ ref('stg_routes') }} as routes
        on
            steps.destination = routes.destination
            and steps.event_name = routes.event_name
    where steps.is_eligible and steps.is_matched and steps.is_winner
    group by 1, 2, 3, 4
),

-- A tag names the currency of its own report, or none: then it is counted under the one of the conversion.
pixel as (
    select
        reports.occurred_on,
        reports.destination,
        reports.event_name,
        coalesce(steps.currency, reports.currency) as currency,
        count(*) as pixel_reports,
        sum(case when reports.seen_by = 'pixel' then 1 else 0 end) as pixel_only
    from {{ ref('pixel_reports') }} as reports
    left join {{ ref('int_reconciliation_steps') }} as steps
        on
            reports.conversion_key = steps.conversion_key
            and reports.destination = steps.destination
    group by 1, 2, 3, 4
),

final as (
    select
        coalesce(server.occurred_on, pixel.occurred_on) as occurred_on,
        coalesce(server.destination, pixel.destination) as destination,
        coalesce(server.event_name, pixel.event_name) as event_name,
        coalesce(server.currency, pixel.currency) as currency,
        coalesce(server.server_reports, 0) as server_reports,
        coalesce(pixel.pixel_reports, 0) as pixel_reports,
        coalesce(pixel.pixel_only, 0) as pixel_only,
        coalesce(server.removed_duplicates, 0) as removed_duplicates,
        cast(coalesce(server.removed_value, 0) as decimal(38, 4)) as removed_value
    from server
    full outer join pixel
        on
            server.occurred_on = pixel.occurred_on
            and server.destination = pixel.destination
            and server.event_name = pixel.event_name
            and server.currency is not distinct from pixel.currency
)

select
    *,
    {{ ratio('removed_duplicates', 'server_reports + pixel_reports') }} as deduplication_rate
from final
