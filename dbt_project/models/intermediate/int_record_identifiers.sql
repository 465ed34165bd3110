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
        identifiers.*,
        versions.seen as holding_seen,
        versions.file_row as holding_file_row
    from (
        {{ click_identifier_rows(
            ref('stg_clicks'), ['click_id', 'clicked_at', 'seen', 'file_row', 'loaded_at']
        ) }}
    ) as identifiers
    left join {{ ref('int_click_versions') }} as versions on identifiers.click_id = versions.click_id
    where
        identifiers.identifier in (select identifier from stored)
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
