{#- App events and pixel events: each row is an act by itself. -#}
{%- set entities = ['app_events', 'pixel_events'] -%}

with newest as (
    {%- for entity in entities %}
    select
        '{{ entity }}' as source_entity,
        events.*
    from (
        select
            event_id,
            click_id,
            session_id,
            cart_id,
            user_id,
            device_id,
            email,
            phone,
            ip,
            source_event,
            currency,
            gross_amount,
            is_test,
            occurred_at,
            seen,
            file_row,
            loaded_at,
            row_number() over (partition by event_id order by seen desc, row_hash desc, file_row desc) as version_rank
        from {{ ref('stg_' ~ entity) }}
        where {{ in_scope(entity, 'event_id') }}
    ) as events
    where events.version_rank = 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
),

final as (
    select
        definitions.event_name || ':' || newest.event_id as conversion_key,
        definitions.event_name,
        newest.source_entity,
        newest.event_id as source_id,
        definitions.definition_version,
        cast(null as varchar) as subscription_id,
        {{ first_identity('newest', 'definitions') }} as first_identity,
        newest.click_id,
        newest.session_id,
        newest.cart_id,
        newest.user_id,
        newest.source_event as source_status,
        'qualified' as qualification,
        newest.currency as source_currency,
        cast(null as varchar) as plan,
        newest.gross_amount,
        newest.gross_amount as ruled_amount,
        newest.is_test
        or {{ matches_test_rule('newest', 'definitions', ['email', 'user_id', 'phone', 'ip'], 'event_id') }} as is_test,
        coalesce(newest.email, newest.phone) is not null as has_contact,
        newest.occurred_at as action_at,
        newest.occurred_at as qualified_at,
        newest.occurred_at as status_at,
        newest.occurred_at as attribution_at,
        newest.seen,
        newest.file_row,
        newest.seen as identity_seen,
        newest.file_row as identity_file_row,
        newest.loaded_at
    from newest
    inner join definitions
        on
            newest.source_entity = definitions.source_entity
            and {{ in_list('newest.source_event', 'definitions.qualifying_statuses') }}
            and {{ in_effect('definitions', 'newest.occurred_at') }}
)

select * from final
