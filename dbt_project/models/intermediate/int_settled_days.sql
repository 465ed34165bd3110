{{ config(tags=['measure']) }}
{#- Entity -> its column of what an act was, by which a definition calls it a conversion. -#}
{%- set statuses = {'orders': 'status', 'leads': 'status'} -%}

-- For each event, the last day whose conversions have come in, as far as they usually take: what is still on its way is
-- no drop.
with versions as (
    {%- for entity, source_id in source_ids().items() %}
    select
        '{{ entity }}' as source_entity,
        {{ source_id }} as source_id,
        {{ statuses.get(entity, 'source_event') }} as source_status,
        loaded_at
    from {{ ref('stg_' ~ entity) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- What was there when an entity was first loaded says nothing of how long anything takes.
bounds as (
    select
        source_entity,
        {{ add_hours('min(loaded_at)', 1) }} as first_load
    from versions
    group by 1
),

-- It came in with the first version that made it a conversion: what is told of it afterwards is its life, not lateness.
arrivals as (
    select
        conversions.conversion_key,
        conversions.event_name,
        conversions.source_entity,
        conversions.occurred_at,
        min(versions.loaded_at) as came_at
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_conversion_definitions') }} as definitions
        on conversions.definition_version = definitions.definition_version
    inner join versions
        on
            conversions.source_entity = versions.source_entity
            and conversions.source_id = versions.source_id
            and {{ in_list('versions.source_status', 'definitions.qualifying_statuses') }}
    cross join {{ ref('stg_build_context') }} as context
    where conversions.occurred_at > {{ add_hours('context.as_of', '-56 * 24') }}
    group by 1, 2, 3, 4
),

usual as (
    select
        arrivals.event_name,
        percentile_cont(0.98) within group (
            order by {{ seconds_between('arrivals.occurred_at', 'arrivals.came_at') }} / 3600.0
        ) as hours
    from arrivals
    inner join bounds on arrivals.source_entity = bounds.source_entity
    where arrivals.came_at > bounds.first_load
    group by 1
),

final as (
    select
        events.event_name,
        context.as_of,
        -- An hour at least, a week at most.
        least(greatest(coalesce(usual.hours, 1), 1), 168) as settle_hours
    from (select distinct event_name from {{ ref('conversions') }}) as events
    left join usual on events.event_name = usual.event_name
    cross join {{ ref('stg_build_context') }} as context
)

select
    event_name,
    settle_hours,
    {{ utc_date(add_hours('as_of', '-settle_hours')) }} - 1 as last_day
from final
