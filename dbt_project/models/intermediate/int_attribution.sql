{%- set attribution_rule =
    'match_class, clicked_at desc nulls last, key_rank, click_id, preference, identifier_value' -%}

with ranked as (
    select
        *,
        row_number() over (partition by conversion_key, destination order by {{ attribution_rule }}) as pick
    from {{ ref('int_attribution_candidates') }}
),

best_per_route as (
    select * from ranked
    where pick = 1
),

-- Within a group one route wins. What was already claimed stays where it is: a better click that comes later
-- changes nothing.
competing as (
    select
        best.*,
        row_number() over (
            partition by
                best.conversion_key,
                case best.scope when 'network' then 'network:' || best.destination else best.scope end
            order by
                case when reported.is_claimed then 0 else 1 end,
                {{ attribution_rule }}, best.destination
        ) as place
    from best_per_route as best
    left join {{ ref('int_reported') }} as reported
        on
            best.conversion_key = reported.conversion_key
            and best.destination = reported.destination
),

carried as (
    select
        best.conversion_key,
        best.destination,
        candidates.identifier,
        min(candidates.identifier_value) as identifier_value
    from best_per_route as best
    inner join {{ ref('int_attribution_candidates') }} as candidates
        on
            best.conversion_key = candidates.conversion_key
            and best.destination = candidates.destination
            and best.click_id is not distinct from candidates.click_id
    group by 1, 2, 3
),

identifiers as (
    select
        conversion_key,
        destination,
        {{ json_aggregate('identifier', 'identifier_value') }} as identifiers
    from carried
    group by 1, 2
),

final as (
    select
        competing.conversion_key,
        competing.destination,
        competing.click_id,
        competing.matched_by,
        competing.identifier,
        competing.identifier_value,
        identifiers.identifiers,
        competing.place = 1 as is_winner,
        competing.clicked_at,
        competing.loaded_at
    from competing
    inner join identifiers
        on
            competing.conversion_key = identifiers.conversion_key
            and competing.destination = identifiers.destination
)

select * from final
