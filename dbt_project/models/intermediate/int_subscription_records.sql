with events as (
    select
        *,
        row_number() over (partition by event_id order by seen desc, row_hash desc, file_row desc) as version_rank
    from {{ ref('stg_subscription_events') }}
    where
        subscription_id in (
            select subscription_id from {{ ref('stg_subscription_events') }}
            where {{ in_scope('subscription_events', 'event_id') }}
        )
),

newest as (
    select * from events
    where version_rank = 1
),

-- Renewals and upgrades inherit: the whole subscription looks back from its first event that names somebody.
first_named as (
    select
        *,
        row_number() over (partition by subscription_id order by occurred_at, event_id) as place
    from newest
    where coalesce(click_id, session_id, cart_id, user_id) is not null
),

definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'subscription_events'
),

final as (
    select
        definitions.event_name || ':' || newest.event_id as conversion_key,
        definitions.event_name,
        'subscription_events' as source_entity,
        newest.event_id as source_id,
        definitions.definition_version,
        newest.subscription_id,
        {{ first_identity('newest', 'definitions') }} as first_identity,
        first_named.click_id,
        first_named.session_id,
        first_named.cart_id,
        first_named.user_id,
        newest.source_event as source_status,
        'qualified' as qualification,
        newest.currency as source_currency,
        newest.plan,
        newest.gross_amount,
        newest.gross_amount as ruled_amount,
        newest.is_test
        or {{ matches_test_rule('newest', 'definitions', ['email', 'user_id', 'phone', 'ip'], 'event_id') }} as is_test,
        case
            when first_named.event_id is null then coalesce(newest.email, newest.phone)
            else coalesce(first_named.email, first_named.phone)
        end is not null as has_contact,
        newest.occurred_at as action_at,
        newest.occurred_at as qualified_at,
        newest.occurred_at as status_at,
        coalesce(first_named.occurred_at, newest.occurred_at) as attribution_at,
        newest.seen,
        newest.file_row,
        coalesce(first_named.seen, newest.seen) as identity_seen,
        coalesce(first_named.file_row, newest.file_row) as identity_file_row,
        newest.loaded_at
    from newest
    inner join definitions
        on
            {{ in_list('newest.source_event', 'definitions.qualifying_statuses') }}
            and {{ in_effect('definitions', 'newest.occurred_at') }}
    left join first_named on newest.subscription_id = first_named.subscription_id and first_named.place = 1
)

select * from final
