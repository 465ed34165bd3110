{%- set capabilities = [
    'destination_type', 'mode', 'report_time_zone', 'dedup_window_hours', 'max_age_hours', 'adjustment_min_age_hours',
    'adjustment_max_age_hours', 'deduplicates', 'takes_restatement', 'takes_retraction', 'takes_reinstatement',
    'takes_increase', 'adjusts_pixel'
] -%}

with definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
),

routes as (
    select * from {{ ref('stg_routes') }}
),

events as (
    select event_name from definitions
    union
    select event_name from routes
),

rules as (
    select
        event_name,
        {{ one_text(["'definition'", 'definition_version', 'effective_from', 'effective_until']) }} as rule
    from definitions
    union all
    select
        definitions.event_name,
        {{ one_text(["'test order'", 'tests.definition_version', 'tests.field', 'tests.pattern']) }} as rule
    from {{ ref('stg_test_order_rules') }} as tests
    inner join definitions on tests.definition_version = definitions.definition_version
    union all
    select
        event_name,
        {{ one_text(["'plan'", 'plan', 'value', 'currency']) }} as rule
    from {{ ref('stg_plan_values') }}
    union all
    select
        event_name,
        {{ one_text(["'route'", 'destination', 'route_version', 'start_at', 'end_at']) }} as rule
    from routes
    union all
    select
        routes.event_name,
        {{ one_text([
            "'experiment'", 'held.experiment', 'held.destination', 'held.unit', 'held.salt', 'held.held_below',
            'held.start_at', 'held.end_at', 'regions.region', 'regions.is_held_out'
        ]) }} as rule
    from routes
    inner join {{ ref('stg_experiments') }} as held
        on
            routes.destination = held.destination
            and coalesce(held.event_name, routes.event_name) = routes.event_name
    left join {{ ref('stg_experiment_regions') }} as regions on held.experiment = regions.experiment
    union all
    select
        routes.event_name,
        {{ one_text(["'receiver'", 'receivers.destination'] + capabilities) }} as rule
    from routes
    inner join {{ ref('stg_destination_capabilities') }} as receivers on routes.destination = receivers.destination
    union all
    select
        routes.event_name,
        {{ one_text(["'identifier'", 'declared.destination', 'declared.identifier', 'declared.pattern']) }} as rule
    from routes
    inner join {{ ref('stg_destination_identifiers') }} as declared on routes.destination = declared.destination
    union all
    select
        routes.event_name,
        {{ one_text(["'person'", 'declared.destination', 'declared.attribute']) }} as rule
    from routes
    inner join {{ ref('stg_destination_person_attributes') }} as declared on routes.destination = declared.destination
    union all
    select
        events.event_name,
        {{ one_text([
            "'parameter'", 'named.parameter', 'named.identifier', 'named.valid_days'
        ]) }} as rule
    from events
    cross join {{ ref('stg_click_id_parameters') }} as named
    union all
    select
        events.event_name,
        {{ one_text(["'currency'", 'currencies.currency', 'currencies.minor_units']) }} as rule
    from events
    cross join {{ ref('stg_currencies') }} as currencies
),

final as (
    select
        event_name,
        md5({{ dbt.listagg('rule', "'\n'", 'order by rule') }}) as fingerprint
    from rules
    group by 1
)

select * from final
