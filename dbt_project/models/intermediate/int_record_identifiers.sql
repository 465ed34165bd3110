{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

{#- Reading every click's identifiers is worth it only where records carry some. -#}
{%- set stored = run_query(
    'select distinct identifier from ' ~ ref('int_stored_identifiers')
).columns[0].values() if execute else ['gclid'] -%}

with stored as (
    select * from {{ ref('int_stored_identifiers') }}
),

{%- if stored | length %}

clicks as (
    select
        identifiers.click_id,
        {{ carried_identifier('identifiers.carried') }} as identifier,
        {{ carried_value('identifiers.carried') }} as identifier_value,
        identifiers.clicked_at,
        identifiers.loaded_at
    from (
        select
            all_clicks.click_id,
            {{ exploded(carried_by_click('all_clicks')) }} as carried,
            all_clicks.clicked_at,
            all_clicks.seen,
            all_clicks.file_row,
            all_clicks.loaded_at
        from {{ ref('stg_clicks') }} as all_clicks
    ) as identifiers
    left join {{ ref('int_click_versions') }} as versions on identifiers.click_id = versions.click_id
    where
        {{ carried_identifier('identifiers.carried') }} in (select identifier from stored)
        and (
            versions.click_id is null
            or (identifiers.seen = versions.seen and identifiers.file_row = versions.file_row)
        )
),
{%- endif %}

final as (
    select
        stored.conversion_key,
        stored.identifier,
        stored.identifier_value,
    {%- if stored | length %}
    clicks.click_id,
    coalesce(clicks.clicked_at, stored.named_at) as clicked_at,
    clicks.loaded_at
from stored
left join clicks
    on
        stored.identifier = clicks.identifier
        and stored.identifier_value = clicks.identifier_value
    {%- else %}
    cast(null as varchar) as click_id,
    stored.named_at as clicked_at,
    cast(null as timestamp with time zone) as loaded_at
from stored
    {%- endif %}
)

select distinct * from final
