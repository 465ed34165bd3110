{%- set purposes = ['ad_user_data', 'ad_personalization', 'analytics'] -%}

with routed as (
    select
        conversions.*,
        routes.destination,
        routes.receiver_event,
        routes.route_version,
        routes.consent_unknown,
        routes.pixel_deduplication,
        routes.send_reversals,
        routes.start_at,
        routes.end_at,
        case routes.event_time_column when 'qualified_at' then conversions.qualified_at else conversions.action_at end
            as event_time,
        {{ event_id('routes.event_id_template', 'conversions.source_id') }} as event_id,
        {{ add_hours('conversions.held_until', 'routes.hold_days * 24') }} as eligible_at,
        attribution.click_id,
        attribution.clicked_at,
        attribution.matched_by,
        attribution.identifier,
        attribution.identifier_value,
        attribution.identifiers,
        greatest(conversions.changed_at, coalesce(attribution.loaded_at, conversions.changed_at)) as touched_at,
        coalesce(attribution.is_winner, true) as is_winner,
        case routes.match_on
            when 'click' then attribution.conversion_key is not null
            when 'identity' then coalesce(identities.email, identities.phone) is not null
            else attribution.conversion_key is not null or coalesce(identities.email, identities.phone) is not null
        end as is_matched,
        pixel.pixel_event_id,
        pixel.pixel_value,
        pixel.pixel_reports,
        pixel.conversion_key is not null as is_pixel_reported,
        case
            when routes.consent_purposes = '' then 'not_required'
            {%- for state in ['denied', 'unknown'] %}
            when
                {%- for purpose in purposes %}
                {{ in_list("'" ~ purpose ~ "'", 'routes.consent_purposes') }}
                and coalesce(consents.{{ purpose }}, 'unknown') = '{{ state }}'
                {{ 'or' if not loop.last }}
                {%- endfor %}
                then '{{ state }}'
            {%- endfor %}
            else 'granted'
        end as consent_state
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('int_order_conversions') }} as identities
        on conversions.conversion_key = identities.conversion_key
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
    left join {{ ref('int_attribution') }} as attribution
        on
            conversions.conversion_key = attribution.conversion_key
            and routes.destination = attribution.destination
    left join {{ ref('int_pixel_reports') }} as pixel
        on
            conversions.conversion_key = pixel.conversion_key
            and routes.destination = pixel.destination
    left join {{ ref('int_conversion_consents') }} as consents
        on conversions.conversion_key = consents.conversion_key
)

select * from routed
