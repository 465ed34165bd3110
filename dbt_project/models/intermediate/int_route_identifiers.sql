{#-
    What each route accepts, in its order of preference, with how long each identifier is valid and which form a usable
    value has. What the contract of a receiver does not know is not accepted.
-#}
with known as (
    {%- for identifier in accepted_identifiers() %}
    select '{{ identifier }}' as identifier
    {{ 'union all' if not loop.last }}
    {%- else %}
    select cast(null as varchar) as identifier
    where false
    {%- endfor %}
),

contracts as (
    select distinct destination
    from {{ ref('stg_destination_identifiers') }}
),

validity as (
    select
        identifier,
        min(valid_days) as valid_days,
        max(case when parameter <> '' then 1 else 0 end) = 1 as is_issued
    from {{ ref('stg_click_id_parameters') }}
    group by 1
),

final as (
    select
        routes.destination,
        routes.event_name,
        routes.scope,
        routes.lookback_days,
        routes.start_at,
        routes.end_at,
        known.identifier,
        -- fbc is made of fbclid, and lives as long.
        case
            when own.identifier is null and known.identifier = 'fbc' then source_of_fbc.valid_days else own.valid_days
        end as valid_days,
        coalesce(own.is_issued, false) as is_issued,
        {{ pattern_number('declared.pattern') }} as pattern_number,
        position('|' || known.identifier || '|' in '|' || routes.identifiers || '|') as preference
    from {{ ref('stg_routes') }} as routes
    inner join known on {{ in_list('known.identifier', 'routes.identifiers') }}
    left join contracts on routes.destination = contracts.destination
    left join {{ ref('stg_destination_identifiers') }} as declared
        on
            routes.destination = declared.destination
            and known.identifier = declared.identifier
    left join validity as own on known.identifier = own.identifier
    left join validity as source_of_fbc on source_of_fbc.identifier = 'fbclid'
    where
        routes.match_on <> 'identity'
        and (contracts.destination is null or declared.identifier is not null)
)

select * from final
