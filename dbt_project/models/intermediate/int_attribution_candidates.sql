{%- set keys = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}

with conversions as (
    select
        conversion_key,
        event_name,
        action_at,
        click_id,
        session_id,
        cart_id,
        user_id
    from {{ ref('int_order_conversions') }}
),

clicks as (
    select * from {{ ref('int_click_identifiers') }}
),

matched as (
    {%- for key in keys %}
    select
        conversions.conversion_key,
        conversions.event_name,
        conversions.action_at,
        clicks.click_id,
        clicks.clicked_at,
        clicks.identifier,
        clicks.identifier_value,
        clicks.loaded_at,
        '{{ key }}' as matched_by,
        {{ 0 if key == 'click_id' else 2 }} as match_class,
        {{ loop.index }} as key_rank
    from conversions
    inner join clicks on conversions.{{ key }} = clicks.{{ key }}
    union all
    {%- endfor %}
    select
        conversions.conversion_key,
        conversions.event_name,
        conversions.action_at,
        clicks.click_id,
        clicks.clicked_at,
        records.identifier,
        records.identifier_value,
        clicks.loaded_at,
        'record' as matched_by,
        1 as match_class,
        0 as key_rank
    from {{ ref('int_record_identifiers') }} as records
    inner join conversions on records.conversion_key = conversions.conversion_key
    left join clicks
        on
            records.identifier = clicks.identifier
            and records.identifier_value = clicks.identifier_value
),

-- A stored identifier that no click row carries has no click time, so no window excludes it.
in_window as (
    select
        matched.*,
        routes.destination,
        routes.scope,
        identifiers.preference
    from matched
    inner join {{ ref('int_route_identifiers') }} as identifiers
        on
            matched.identifier = identifiers.identifier
            and matched.event_name = identifiers.event_name
    inner join {{ ref('stg_routes') }} as routes
        on
            identifiers.destination = routes.destination
            and identifiers.event_name = routes.event_name
    where
        matched.clicked_at is null
        or (
            matched.clicked_at <= matched.action_at
            and matched.clicked_at >= {{ add_hours('matched.action_at', '-24 * routes.lookback_days') }}
        )
)

select * from in_window
