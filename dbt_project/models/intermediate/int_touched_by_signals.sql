{#- Conversions of the last build that a new, changed or removed consent or pixel event may concern. -#}
{%- if builds_everything() %}
select cast(null as varchar) as conversion_key
where false
{%- else %}
{%- set conversions = built('marts', 'conversions') %}
with removed as (
    select * from {{ ref('stg_removed_rows') }}
    where {{ is_new() }}
),

changed_subjects as (
    select
        subject_type,
        subject_id
    from {{ ref('stg_consents') }}
    where {{ is_new() }}
    union
    select
        subject_type,
        subject_id
    from removed
    where entity = 'consents'
),

changed_events as (
    select event_id from {{ ref('stg_pixel_events') }}
    where {{ is_new() }}
    union
    select event_id from removed
    where entity = 'pixel_events'
),

pixel_ids as (
    -- Every order that any version of the event names, and what the removed rows named.
    select
        event_id,
        order_id
    from {{ ref('stg_pixel_events') }}
    where event_id in (select event_id from changed_events)
    union
    select
        event_id,
        order_id
    from removed
    where entity = 'pixel_events'
),

templates as (
    select distinct event_id_template from {{ ref('stg_routes') }}
),

named as (
    select {{ id_of_event('templates.event_id_template', 'pixel_ids.event_id') }} as source_id
    from pixel_ids
    cross join templates
    where {{ fits_template('templates.event_id_template', 'pixel_ids.event_id') }}
),

final as (
    {%- for subject in ['user', 'session'] %}
    select conversion_key from {{ conversions }}
    where
        {{ subject }}_id in (
            select subject_id from changed_subjects
            where subject_type = '{{ subject }}'
        )
    union
    {%- endfor %}
    select conversion_key from {{ conversions }}
    where source_id in (select order_id from pixel_ids)
    union
    select conversion_key from {{ conversions }}
    where source_id in (select source_id from named)
)

select * from final
{%- endif %}
