{#- Whom changed records name, under definitions that count the first of each person only. -#}
{%- if builds_everything() %}
select
    cast(null as varchar) as event_name,
    cast(null as varchar) as first_identity
where false
{%- else %}
with definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where first_only_per is not null
),

changed as (
    select * from {{ ref('int_changed_records') }}
),

final as (
    {%- for entity, source_id in source_ids().items() %}
    select
        definitions.event_name,
        {{ first_identity('records', 'definitions') }} as first_identity
    from {{ ref('stg_' ~ entity) }} as records
    inner join changed on records.{{ source_id }} = changed.source_id and changed.source_entity = '{{ entity }}'
    inner join definitions on changed.source_entity = definitions.source_entity
    {{ 'union' if not loop.last }}
    {%- endfor %}
)

select * from final
where first_identity is not null
{%- endif %}
