{{ config(materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail') }}

{%- set keys = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}
{%- set given = given_identifiers() -%}
{#- Clicks lie in order of time: constant bounds let the engine pass over the history. -#}
{%- set in_reach_of_any = 'true' -%}
{%- if execute and not builds_everything() -%}
    {%- set span = run_query(
        'select min(attribution_at) as earliest, max(attribution_at) as latest, (select max(lookback_days) from '
        ~ ref('stg_routes') ~ ') as days from ' ~ ref('int_records')
    ).rows[0] -%}
    {%- if span['latest'] -%}
        {%- set in_reach_of_any = "clicks.clicked_at between timestamptz '" ~ span['earliest'] ~ "' - interval '"
            ~ (span['days'] or 0) ~ " days' and timestamptz '" ~ span['latest'] ~ "'" -%}
    {%- endif -%}
{%- endif -%}

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
    inner join {{ ref('stg_clicks') }} as clicks on conversions.{{ key }} = clicks.{{ key }}
    where
        clicks.clicked_at between conversions.reach_from and conversions.attribution_at
        and {{ in_reach_of_any }}
        {%- for earlier in keys[:loop.index0] %}
        and not coalesce(conversions.{{ earlier }} = clicks.{{ earlier }}, false)
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

identified as (
    select
        matched.conversion_key,
        matched.key_rank,
        matched.click_id,
        {{ exploded(carried_by_click('matched')) }} as carried,
        matched.clicked_at,
        matched.seen,
        matched.file_row,
        matched.loaded_at
    from matched
),

final as (
    select
        identified.conversion_key,
        identified.click_id,
        {{ carried_identifier('identified.carried') }} as identifier,
        {{ carried_value('identified.carried') }} as identifier_value,
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
