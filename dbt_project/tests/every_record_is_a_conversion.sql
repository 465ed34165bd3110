{{ config(meta={'dagster': {'ref': {'name': 'conversions'}}}) }}

-- Nothing disappears: every order and lead that was loaded is a conversion of each event made of them, and every other
-- record is one of each event that it qualifies for, from the first moment on for which the event is defined. Looks at
-- what came since the last whole build and at what this one computed: the rest was looked at before.
{%- set times = {'orders': ['ordered_at', 'paid_at', 'shipped_at', 'updated_at'], 'leads': ['created_at']} %}
{%- set ids = source_ids() %}

with events as (
    select
        source_entity,
        event_name,
        min(effective_from) as defined_from
    from {{ ref('stg_conversion_definitions') }}
    group by 1, 2
),

looked_at as (
    {%- for entity, source_id in ids.items() %}
    select
        '{{ entity }}' as source_entity,
        {{ source_id }} as source_id
    from {{ ref('stg_' ~ entity) }}
    {%- if not builds_everything() %}
    where {{ is_new() }}
    {%- endif %}
    union
    {%- endfor %}
    select
        source_entity,
        source_id
    from {{ ref('int_changed_conversions') }}
),

-- Whatever version of an order holds, it is none from before these times.
expected_whole as (
    {%- for entity, columns in times.items() %}
    select
        events.event_name,
        records.source_id
    from (
        select
            rows_of_one.{{ ids[entity] }} as source_id,
            min(least({{ columns | join(', ') }})) as earliest
        from {{ ref('stg_' ~ entity) }} as rows_of_one
        inner join looked_at
            on
                rows_of_one.{{ ids[entity] }} = looked_at.source_id
                and looked_at.source_entity = '{{ entity }}'
        group by 1
    ) as records
    inner join events on records.earliest >= events.defined_from and events.source_entity = '{{ entity }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- An event qualifies by what happened, under the version of its time. Where several rows tell of it only one holds.
expected_events as (
    {%- for entity in ['subscription_events', 'app_events', 'pixel_events'] %}
    select
        definitions.event_name,
        records.event_id as source_id
    from (
        select
            rows_of_one.event_id,
            min(rows_of_one.source_event) as source_event,
            min(rows_of_one.occurred_at) as occurred_at
        from {{ ref('stg_' ~ entity) }} as rows_of_one
        inner join looked_at
            on
                rows_of_one.event_id = looked_at.source_id
                and looked_at.source_entity = '{{ entity }}'
        group by 1
        having count(distinct rows_of_one.row_hash) = 1
    ) as records
    inner join {{ ref('stg_conversion_definitions') }} as definitions
        on
            {{ in_list('records.source_event', 'definitions.qualifying_statuses') }}
            and {{ in_effect('definitions', 'records.occurred_at') }}
            and definitions.source_entity = '{{ entity }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

expected as (
    select * from expected_whole
    union all
    select * from expected_events
)

select expected.*
from expected
left join {{ ref('conversions') }} as conversions
    on
        expected.source_id = conversions.source_id
        and expected.event_name = conversions.event_name
where conversions.conversion_key is null
