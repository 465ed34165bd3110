-- What each destination's own pixel reported of the conversions in scope: the first report, and how many there were.
with ranked as (
    select
        records.conversion_key,
        events.destination,
        events.event_id,
        events.currency,
        events.gross_amount,
        events.occurred_at,
        row_number() over (
            partition by records.conversion_key, events.destination order by events.occurred_at, events.event_id
        ) as pick,
        count(distinct events.event_id) over (
            partition by records.conversion_key, events.destination
        ) as pixel_reports
    from {{ ref('int_routed_pixel_events') }} as events
    inner join {{ ref('int_records') }} as records
        on
            events.source_id = records.source_id
            and events.event_name = records.event_name
    where records.source_entity <> 'pixel_events'
)

select
    conversion_key,
    destination,
    event_id as pixel_event_id,
    currency as pixel_currency,
    pixel_reports,
    gross_amount as pixel_value,
    occurred_at as pixel_reported_at
from ranked
where pick = 1
