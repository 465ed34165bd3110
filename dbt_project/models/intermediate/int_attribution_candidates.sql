{%- set strips = strips_identifiers() -%}
{#- An explicit click wins outright, then a stored identifier, then whatever shares another key. -#}
with touchpoints as (
    select
        conversion_key,
        click_id,
        identifier,
        identifier_value,
        case key_rank when 1 then 0 else 2 end as match_class,
        key_rank,
        clicked_at,
        loaded_at
    from {{ ref('int_touchpoints') }}
    where {{ key_in_scope() }}
    union all
    select
        conversion_key,
        click_id,
        identifier,
        identifier_value,
        1 as match_class,
        0 as key_rank,
        clicked_at,
        loaded_at
    from {{ ref('int_record_identifiers') }}
    where {{ key_in_scope() }}
),

final as (
    select
        touchpoints.*,
        accepted.destination,
        accepted.scope,
        accepted.preference,
        accepted.is_issued,
        {{ fits_pattern('accepted.pattern_number', 'touchpoints.identifier_value') }}
        {{ 'and (accepted.is_issued or stripped.conversion_key is null)' if strips }} as is_usable,
        records.action_at >= accepted.start_at
        and (accepted.end_at is null or records.action_at < accepted.end_at) as is_in_force
    from touchpoints
    inner join {{ ref('int_records') }} as records on touchpoints.conversion_key = records.conversion_key
    inner join {{ ref('int_route_identifiers') }} as accepted
        on
            records.event_name = accepted.event_name
            and touchpoints.identifier = accepted.identifier
    {%- if strips %}
    left join {{ ref('int_stripped_conversions') }} as stripped
        on
            touchpoints.conversion_key = stripped.conversion_key
            and accepted.destination = stripped.destination
    {%- endif %}
    -- A stored identifier that no click row carries has no click time, so no window excludes it.
    where
        touchpoints.clicked_at is null
        or (
            touchpoints.clicked_at <= records.attribution_at
            and touchpoints.clicked_at >= {{ add_hours('records.attribution_at', '-24 * accepted.lookback_days') }}
            and (
                accepted.valid_days is null
                or touchpoints.clicked_at >= {{ add_hours('records.attribution_at', '-24 * accepted.valid_days') }}
            )
        )
)

select * from final
