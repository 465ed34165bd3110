{{ config(materialized='view') }}

-- Every report of a pixel, and whether the backend knows of the conversion: what both saw, and what the pixel saw alone.
with events as (
    select
        events.destination,
        events.event_name,
        events.event_id,
        min(conversions.conversion_key) as conversion_key,
        max(events.currency) as currency,
        max(events.gross_amount) as value,
        min(events.occurred_at) as occurred_at
    from {{ ref('int_routed_pixel_events') }} as events
    left join {{ ref('conversions') }} as conversions
        on
            events.source_id = conversions.source_id
            and events.event_name = conversions.event_name
            and conversions.source_entity <> 'pixel_events'
    group by 1, 2, 3
),

final as (
    select
        destination,
        event_name,
        event_id,
        conversion_key,
        case when conversion_key is null then 'pixel' else 'both' end as seen_by,
        currency,
        value,
        {{ utc_date('occurred_at') }} as occurred_on,
        occurred_at
    from events
)

select * from final
