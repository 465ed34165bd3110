{{ config(meta={'dagster': {'ref': {'name': 'conversions'}}}) }}

-- Nothing disappears: every order and lead that was loaded is a conversion of each event made of them, and every other
-- record is one of each event that it qualifies for, from the first moment on for which the event is defined.
{%- set times = {
    'orders': ['ordered_at', 'paid_at', 'shipped_at', 'updated_at'], 'leads': ['created_at'],
    'subscription_events': ['occurred_at'], 'app_events': ['occurred_at'], 'pixel_events': ['occurred_at']
} %}

with events as (
    select
        source_entity,
        event_name,
        min(effective_from) as defined_from
    from {{ ref('stg_conversion_definitions') }}
    group by 1, 2
),

-- An event's record qualifies by what happened, under the version that holds at the time.
qualifying as (
    {%- for entity in ['subscription_events', 'app_events', 'pixel_events'] %}
    select
        definitions.event_name,
        '{{ entity }}' as source_entity,
        records.event_id as source_id
    from {{ ref('stg_' ~ entity) }} as records
    inner join {{ ref('stg_conversion_definitions') }} as definitions
        on
            definitions.source_entity = '{{ entity }}'
            and {{ in_list('records.source_event', 'definitions.qualifying_statuses') }}
            and {{ in_effect('definitions', 'records.occurred_at') }}
    group by 1, 2, 3
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Of several rows of one event only one holds, and it may say something else.
told_once as (
    {%- for entity in ['subscription_events', 'app_events', 'pixel_events'] %}
    select
        '{{ entity }}' as source_entity,
        event_id as source_id
    from {{ ref('stg_' ~ entity) }}
    group by 1, 2
    having count(distinct row_hash) = 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

expected as (
    {%- for entity, source_id in {'orders': 'order_id', 'leads': 'lead_id'}.items() %}
    select
        events.event_name,
        records.source_id
    from (
        select
            {{ source_id }} as source_id,
            min(least({{ times[entity] | join(', ') }})) as earliest
        from {{ ref('stg_' ~ entity) }}
        group by 1
    ) as records
    inner join events on events.source_entity = '{{ entity }}' and records.earliest >= events.defined_from
    union all
    {%- endfor %}
    select
        qualifying.event_name,
        qualifying.source_id
    from qualifying
    inner join told_once
        on
            qualifying.source_entity = told_once.source_entity
            and qualifying.source_id = told_once.source_id
)

select expected.*
from expected
left join {{ ref('conversions') }} as conversions
    on
        expected.source_id = conversions.source_id
        and expected.event_name = conversions.event_name
where conversions.conversion_key is null
