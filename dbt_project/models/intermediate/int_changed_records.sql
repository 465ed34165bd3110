{{ config(materialized='table') }}

{#- Records of the sources that are new or changed, or whose facts, kin or rules changed. -#}
{%- set ids = source_ids() -%}

{%- if builds_everything() %}
select
    cast(null as varchar) as source_entity,
    cast(null as varchar) as source_id
where false
{%- else %}
with removed as (
    select * from {{ ref('stg_removed_rows') }}
    where {{ is_new() }}
),

changed_rows as (
    {%- for entity, id in ids.items() %}
    select
        '{{ entity }}' as source_entity,
        {{ id }} as source_id
    from {{ ref('stg_' ~ entity) }}
    where {{ is_new() }}
    union
    {%- endfor %}
    select
        entity as source_entity,
        case entity when 'orders' then order_id when 'leads' then lead_id else event_id end as source_id
    from removed
    where entity in ('{{ ids | join("', '") }}')
),

changed_refunds as (
    select refund_id from {{ ref('stg_refunds') }}
    where {{ is_new() }}
    union
    select refund_id from removed
    where entity = 'refunds'
),

-- Events of one subscription share their attribution, and its refunds.
changed_subscriptions as (
    select subscription_id from {{ ref('stg_subscription_events') }}
    where {{ is_new() }}
    union
    select subscription_id from removed
    where entity = 'subscription_events'
    union
    select built.subscription_id
    from {{ built('marts', 'conversions') }} as built
    inner join changed_rows
        on
            built.source_entity = changed_rows.source_entity
            and built.source_id = changed_rows.source_id
    where built.subscription_id is not null
),

rule_entities as (
    select definitions.source_entity
    from {{ ref('stg_conversion_definitions') }} as definitions
    inner join {{ ref('int_changed_rules') }} as changed on definitions.event_name = changed.event_name
),

final as (
    select * from changed_rows
    union
    -- Every order that any version of the refund names: it may have moved from one to the other.
    select
        'orders' as source_entity,
        order_id as source_id
    from {{ ref('stg_refunds') }}
    where refund_id in (select refund_id from changed_refunds)
    union
    select
        'orders' as source_entity,
        order_id as source_id
    from removed
    where entity = 'refunds'
    union
    select
        'subscription_events' as source_entity,
        event_id as source_id
    from {{ ref('stg_subscription_events') }}
    where subscription_id in (select subscription_id from changed_subscriptions)
    {%- for entity, id in ids.items() %}
    union
    select
        '{{ entity }}' as source_entity,
        {{ id }} as source_id
    from {{ ref('stg_' ~ entity) }}
    where '{{ entity }}' in (select source_entity from rule_entities)
    {%- endfor %}
)

select * from final
{%- endif %}
