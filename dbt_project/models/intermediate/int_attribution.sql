{%- set is_judged = identifier_patterns() | length > 0 or strips_identifiers() -%}

with candidates as (
    select
        candidates.*,
        reported.is_claimed and candidates.click_id = reported.reported_click_id as is_told
    from {{ ref('int_attribution_candidates') }} as candidates
    left join {{ ref('int_reported') }} as reported
        on
            candidates.conversion_key = reported.conversion_key
            and candidates.destination = reported.destination
),

ranked as (
    select
        *,
        -- What was told stays with the click it was told with.
        row_number() over (
            partition by conversion_key, destination
            order by
                {{ 'case when is_usable then 0 else 1 end,' if is_judged }}
                case when is_told then 0 else 1 end,
                {{ attribution_rule() }}
        ) as pick
    from candidates
),

best_per_route as (
    select * from ranked
    where pick = 1 {{ 'and is_usable' if is_judged }}
),

-- Within a group one route wins. What was already claimed stays where it is: a better click that comes later
-- changes nothing, nor does a click that goes.
claims as (
    select
        reported.conversion_key,
        routes.scope,
        min(reported.destination) as destination
    from {{ ref('int_reported') }} as reported
    inner join {{ ref('stg_routes') }} as routes
        on
            reported.destination = routes.destination
            and reported.event_name = routes.event_name
    where reported.is_claimed and routes.scope <> 'network'
    group by 1, 2
),

competing as (
    select
        *,
        row_number() over (
            partition by conversion_key, scope order by {{ attribution_rule() }}, destination
        ) as place
    from best_per_route
    -- A route that is not in force then takes nothing from the others.
    where scope <> 'network' and is_in_force
),

final as (
    select
        best.conversion_key,
        best.destination,
        best.click_id,
        case best.key_rank
            when 0 then 'record' when 1 then 'click_id' when 2 then 'session_id' when 3 then 'cart_id' else 'user_id'
        end as matched_by,
        best.identifier,
        best.identifier_value,
        coalesce(claims.destination = best.destination, competing.place = 1, true) as is_winner,
        true as is_usable,
        best.clicked_at,
        best.loaded_at
    from best_per_route as best
    left join competing
        on best.conversion_key = competing.conversion_key and best.destination = competing.destination
    left join claims on best.conversion_key = claims.conversion_key and best.scope = claims.scope
    {%- if is_judged %}
    union all
    -- Something is there, and none is usable.
    select
        conversion_key,
        destination,
        cast(null as varchar) as click_id,
        cast(null as varchar) as matched_by,
        cast(null as varchar) as identifier,
        cast(null as varchar) as identifier_value,
        true as is_winner,
        false as is_usable,
        cast(null as timestamp with time zone) as clicked_at,
        cast(null as timestamp with time zone) as loaded_at
    from ranked
    where pick = 1 and not is_usable
    {%- endif %}
)

select * from final
