{{ config(materialized='view') }}

{#-
    Why each click won or lost, for one conversion at a time: whoever shares a key with it, whatever the window. Computed
    when it is asked for, so ask for one conversion_key.
-#}
{%- set keys = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}

with shared as (
    {%- for key in keys %}
    select
        conversions.conversion_key,
        conversions.event_name,
        conversions.attribution_at,
        '{{ key }}' as matched_by,
        clicks.click_id,
        {{ carried_by_click('clicks') }} as carried,
        clicks.clicked_at,
        clicks.seen,
        clicks.file_row
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_clicks') }} as clicks on conversions.{{ key }} = clicks.{{ key }}
    where
        true
        {%- for earlier in keys[:loop.index0] %}
        and not coalesce(conversions.{{ earlier }} = clicks.{{ earlier }}, false)
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

carrying as (
    select
        shared.*,
        routes.destination,
        routes.lookback_days,
        accepted.identifier,
        accepted.valid_days,
        accepted.preference,
        {{ carries_usable('shared.carried', 'accepted.identifier', 'accepted.pattern_number') }}
        and (accepted.is_issued or {{ consent_policy('decisions.consent_state', 'routes') }} <> 'strip') as is_usable,
        decisions.click_id as decided_click_id,
        decisions.is_winner,
        decisions.is_claimed,
        decisions.clicked_at as decided_clicked_at
    from shared
    left join {{ ref('int_click_versions') }} as versions on shared.click_id = versions.click_id
    inner join {{ ref('stg_routes') }} as routes
        on
            shared.event_name = routes.event_name
            and routes.match_on <> 'identity'
    left join {{ ref('int_route_identifiers') }} as accepted
        on
            routes.event_name = accepted.event_name
            and routes.destination = accepted.destination
            and {{ carries('shared.carried', 'accepted.identifier') }}
    left join {{ ref('int_decisions') }} as decisions
        on
            shared.conversion_key = decisions.conversion_key
            and routes.destination = decisions.destination
    where versions.click_id is null or (shared.seen = versions.seen and shared.file_row = versions.file_row)
),

routed as (
    select
        *,
        row_number() over (
            partition by conversion_key, click_id, destination
            order by is_usable desc, valid_days desc nulls first, preference asc, identifier asc
        ) as pick
    from carrying
),

final as (
    select
        routed.conversion_key,
        routed.destination,
        routed.click_id,
        routed.matched_by,
        routed.identifier,
        case
            when routed.clicked_at > routed.attribution_at then 'after_the_act'
            when routed.clicked_at < {{ add_hours('routed.attribution_at', '-24 * routed.lookback_days') }}
                then 'before_the_window'
            when routed.identifier is null then 'no_accepted_identifier'
            when not routed.is_usable then 'unusable_identifier'
            when routed.clicked_at < {{ add_hours('routed.attribution_at', '-24 * routed.valid_days') }}
                then 'identifier_expired'
            when routed.decided_click_id = routed.click_id and routed.is_winner then 'won'
            when routed.decided_click_id = routed.click_id then 'lost_to_other_route'
            when routed.is_claimed and routed.clicked_at > routed.decided_clicked_at then 'came_after_the_report'
            else 'outranked'
        end as verdict,
        routed.clicked_at
    from routed
    where routed.pick = 1
)

select * from final
