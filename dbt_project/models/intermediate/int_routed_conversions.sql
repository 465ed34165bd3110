{%- set attributes = matching_attributes() -%}
{#- Receivers that name no attributes take whatever is on record. -#}
{%- set person_is_usable = (
    'case when routes.names_attributes then coalesce(persons.is_usable, false) else conversions.has_contact end'
    if attributes else 'conversions.has_contact'
) -%}

with routes as (
    select
        *,
        {%- if attributes %}
        destination in (select destination from {{ ref('stg_destination_person_attributes') }}) as names_attributes,
        {%- endif %}
        {{ asked_purposes('consent_purposes') }}
    from {{ ref('stg_routes') }}
),

routed as (
    select
        conversions.*,
        routes.destination,
        routes.receiver_event,
        routes.route_version,
        routes.pixel_deduplication,
        routes.send_reversals,
        routes.start_at,
        routes.end_at,
        coalesce(routes.route_currency, conversions.currency) as sent_currency,
        case when routes.route_currency <> conversions.currency then {{ utc_date('conversions.action_at') }} end
            as rated_on,
        -- What began to count did not do so before the person acted.
        case routes.event_time_column
            when 'qualified_at' then greatest(conversions.qualified_at, conversions.action_at)
            else conversions.action_at
        end as event_time,
        case routes.timing
            when 'real_time' then conversions.qualified_at
            else {{ add_hours('conversions.held_until', 'routes.hold_days * 24') }}
        end as eligible_at,
        attribution.click_id as matched_click_id,
        attribution.clicked_at,
        attribution.matched_by,
        attribution.identifier,
        attribution.identifier_value,
        greatest(conversions.changed_at, coalesce(attribution.loaded_at, conversions.changed_at)) as touched_at,
        coalesce(attribution.is_winner, true) as is_winner,
        routes.match_on <> 'identity' and coalesce(attribution.is_usable, false) as is_click_matched,
        routes.match_on <> 'click' and {{ person_is_usable }} as is_person_matched,
        coalesce(not attribution.is_usable, false)
        {%- if attributes %}
        or (
            routes.match_on <> 'click'
            and (conversions.has_contact or persons.conversion_key is not null)
            and not {{ person_is_usable }}
        )
        {%- endif %} as has_unusable_identifier,
        pixel.pixel_event_id,
        pixel.pixel_value,
        pixel.conversion_key is not null as is_pixel_reported,
        {{ consent_state('routes', 'consents') }} as consent_state,
        {{ consent_object('routes', 'consents') }} as consent,
        {{ consent_evidence('routes', 'consents') }} as consent_record,
        routes.consent_denied,
        routes.consent_unknown
    from {{ ref('conversions') }} as conversions
    inner join routes on conversions.event_name = routes.event_name
    left join {{ ref('int_attribution') }} as attribution
        on
            conversions.conversion_key = attribution.conversion_key
            and routes.destination = attribution.destination
    {%- if attributes %}
    left join {{ ref('int_matchable_persons') }} as persons
        on
            conversions.conversion_key = persons.conversion_key
            and routes.destination = persons.destination
    {%- endif %}
    left join {{ ref('int_pixel_reports') }} as pixel
        on
            conversions.conversion_key = pixel.conversion_key
            and routes.destination = pixel.destination
    left join {{ ref('int_conversion_consents') }} as consents
        on conversions.conversion_key = consents.conversion_key
    where {{ key_in_scope('conversions.conversion_key') }}
),

final as (
    select
        *,
        {{ consent_policy('consent_state', 'routed') }} as consent_policy
    from routed
)

select * from final
