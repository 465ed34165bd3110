{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

{%- set keys = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}
{%- set given = record_identifiers() | select('in', accepted_identifiers()) | list -%}

with reach as (
    select
        event_name,
        max(lookback_days) as lookback_days
    from {{ ref('stg_routes') }}
    where match_on <> 'identity'
    group by 1
),

conversions as (
    select
        records.*,
        {{ add_hours('records.attribution_at', '-24 * reach.lookback_days') }} as reach_from
    from {{ ref('int_records') }} as records
    inner join reach on records.event_name = reach.event_name
),

clicks as (
    select * from {{ ref('stg_clicks') }}
    {%- if execute and not builds_everything() %}
    {%- set span = run_query(
        'select min(attribution_at) as earliest, max(attribution_at) as latest, (select max(lookback_days) from '
        ~ ref('stg_routes') ~ ') as days from ' ~ ref('int_records')
    ).rows[0] %}
    -- Clicks lie in order of time: constant bounds let the engine pass over the history.
    where
        clicked_at <= timestamptz '{{ span['latest'] or '1970-01-01 00:00:00+00' }}'
        and clicked_at >= timestamptz '{{ span['earliest'] or '1970-01-01 00:00:00+00' }}'
        - interval '{{ span['days'] or 0 }} days'
    {%- endif %}
),

-- A click that shares several keys counts by the first of them.
matched as (
    {%- for key in keys %}
    select
        conversions.conversion_key,
        {{ loop.index }} as key_rank,
        clicks.click_id,
        clicks.landing_url,
        {%- for identifier in given %}
        clicks.{{ identifier }},
        {%- endfor %}
        clicks.clicked_at,
        clicks.seen,
        clicks.file_row,
        clicks.loaded_at
    from conversions
    inner join clicks on conversions.{{ key }} = clicks.{{ key }}
    where
        clicks.clicked_at between conversions.reach_from and conversions.attribution_at
        {%- for earlier in keys[:loop.index0] %}
        and (conversions.{{ earlier }} = clicks.{{ earlier }}) is not true
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

identified as (
    {{ click_identifier_rows('matched', [
        'conversion_key', 'key_rank', 'click_id', 'clicked_at', 'seen', 'file_row', 'loaded_at'
    ]) }}
),

final as (
    select
        identified.conversion_key,
        identified.click_id,
        identified.identifier,
        identified.identifier_value,
        identified.key_rank,
        identified.clicked_at,
        identified.loaded_at
    from identified
    left join {{ ref('int_click_versions') }} as versions on identified.click_id = versions.click_id
    where
        versions.click_id is null
        or (identified.seen = versions.seen and identified.file_row = versions.file_row)
)

select * from final
