{{ config(materialized='view') }}

-- Every report of a pixel, and whether the backend knows of the conversion: what both saw, and what the pixel saw alone.
with final as (
    select
        events.destination,
        events.event_name,
        events.event_id,
        conversions.conversion_key,
        case when conversions.conversion_key is null then 'pixel' else 'both' end as seen_by,
        events.currency,
        events.gross_amount as value,
        {{ utc_date('events.occurred_at') }} as occurred_on,
        events.occurred_at
    from {{ ref('int_routed_pixel_events') }} as events
    left join {{ ref('conversions') }} as conversions
        on
            events.source_id = conversions.source_id
            and events.event_name = conversions.event_name
            and conversions.source_entity <> 'pixel_events'
    where events.is_first_name
)

select * from final
