{{ config(materialized='table') }}

{#- The conversions that this build computes, unless it computes everything. -#}
{%- if builds_everything() %}
select
    cast(null as varchar) as conversion_key,
    cast(null as varchar) as source_entity,
    cast(null as varchar) as source_id
where false
{%- else %}
{%- set conversions = built('marts', 'conversions') %}
with events as (
    select distinct
        event_name,
        source_entity
    from {{ ref('stg_conversion_definitions') }}
),

touched as (
    select * from {{ ref('int_touched_by_clicks') }}
    union
    select * from {{ ref('int_touched_by_signals') }}
    union
    select * from {{ ref('int_touched_by_state') }}
),

changed as (
    select
        events.event_name || ':' || records.source_id as conversion_key,
        records.source_entity,
        records.source_id
    from {{ ref('int_changed_records') }} as records
    inner join events on records.source_entity = events.source_entity
    union
    select
        touched.conversion_key,
        events.source_entity,
        substr(touched.conversion_key, length(events.event_name) + 2) as source_id
    from touched
    inner join events on starts_with(touched.conversion_key, events.event_name || ':')
    union
    -- An event that is defined no longer.
    select
        touched.conversion_key,
        '' as source_entity,
        '' as source_id
    from touched
),

-- Who comes first may change with any of the conversions of one person.
persons as (
    select
        built.event_name,
        built.first_identity
    from {{ conversions }} as built
    inner join changed on built.conversion_key = changed.conversion_key
    where built.first_identity is not null
    union
    select
        event_name,
        first_identity
    from {{ ref('int_changed_identities') }}
),

final as (
    select * from changed
    union
    select
        built.conversion_key,
        built.source_entity,
        built.source_id
    from {{ conversions }} as built
    inner join persons
        on
            built.event_name = persons.event_name
            and built.first_identity = persons.first_identity
)

select * from final
where
    source_entity <> '' or conversion_key not in (
        select conversion_key from changed
        where source_entity <> ''
    )
{%- endif %}
