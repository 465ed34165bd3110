{{ config(materialized='table') }}

-- Conversions and destinations whose consent leaves of the identifiers only those that a network issued.
with routes as (
    select
        *,
        {{ asked_purposes('consent_purposes') }}
    from {{ ref('stg_routes') }}
    where match_on <> 'identity' and 'strip' in (consent_denied, consent_unknown)
),

judged as (
    select
        records.conversion_key,
        routes.destination,
        routes.consent_denied,
        routes.consent_unknown,
        {{ consent_state('routes', 'consents') }} as consent_state
    from {{ ref('int_records') }} as records
    inner join routes on records.event_name = routes.event_name
    left join {{ ref('int_conversion_consents') }} as consents on records.conversion_key = consents.conversion_key
    where {{ key_in_scope('records.conversion_key') }}
)

select
    judged.conversion_key,
    judged.destination
from judged
where {{ consent_policy('consent_state', 'judged') }} = 'strip'
