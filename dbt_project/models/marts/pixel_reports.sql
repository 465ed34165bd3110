{{ config(materialized='view') }}

-- Every report of a pixel, and whether the backend knows of the conversion: what both saw, what the pixel saw alone.
with events as (
    select * from {{ ref('int_routed_pixel_events') }}
),

conversions as (
    select * from {{ ref('conversions') }}
    where source_entity <> 'pixel_events'
),

final as (
    select
        events.destination,
        events.event_name,
        events.event_id,
        coalesce(by_first.conversion_key, by_second.conversion_key) as conversion_key,
        case when coalesce(by_first.conversion_key, by_second.conversion_key) is null then 'pixel' else 'both' end
            as seen_by,
        events.currency,
        events.gross_amount as value,
        {{ utc_date('events.occurred_at') }} as occurred_on,
        events.occurred_at
    from events
    left join conversions as by_first
        on
            events.source_id = by_first.source_id
            and events.event_name = by_first.event_name
    left join events as seconds
        on
            events.destination = seconds.destination
            and events.event_name = seconds.event_name
            and events.event_id = seconds.event_id
            and not seconds.is_first_name
    left join conversions as by_second
        on
            seconds.source_id = by_second.source_id
            and seconds.event_name = by_second.event_name
    where events.is_first_name
)

select * from final
