with history as (
    select * from {{ ref('int_lead_history') }}
),

definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'leads'
),

qualified as (
    select
        history.lead_id,
        definitions.definition_version,
        min(history.status_at) as qualified_status_at
    from history
    inner join definitions on {{ in_list('history.status', 'definitions.qualifying_statuses') }}
    group by 1, 2
),

joined as (
    select
        newest.*,
        persons.click_id as person_click_id,
        persons.session_id as person_session_id,
        persons.cart_id as person_cart_id,
        persons.user_id as person_user_id,
        persons.seen as person_seen,
        persons.file_row as person_file_row,
        coalesce(persons.email, persons.phone) is not null as has_contact,
        definitions.event_name,
        definitions.definition_version,
        qualified.qualified_status_at,
        {{ first_identity('persons', 'definitions') }} as first_identity,
        {{ matches_test_rule('persons', 'definitions', ['email', 'user_id', 'phone', 'ip'], 'lead_id') }}
            as is_test_by_rule,
        case definitions.action_at_column when 'status_at' then qualified.qualified_status_at else newest.created_at end
            as action_at,
        case definitions.qualified_at_column
            when 'created_at' then newest.created_at
            else qualified.qualified_status_at
        end as qualified_at
    from history as newest
    inner join history as persons on newest.lead_id = persons.lead_id and persons.identity_rank = 1
    inner join definitions on {{ in_effect('definitions', 'newest.created_at') }}
    left join qualified
        on newest.lead_id = qualified.lead_id and definitions.definition_version = qualified.definition_version
    where newest.recency = 1
)

select
    event_name || ':' || lead_id as conversion_key,
    event_name,
    'leads' as source_entity,
    lead_id as source_id,
    definition_version,
    cast(null as varchar) as subscription_id,
    first_identity,
    person_click_id as click_id,
    person_session_id as session_id,
    person_cart_id as cart_id,
    person_user_id as user_id,
    status as source_status,
    case
        when qualified_status_at is null then 'not_qualified'
        when status = 'disqualified' then 'cancelled'
        else 'qualified'
    end as qualification,
    currency as source_currency,
    cast(null as varchar) as plan,
    gross_amount,
    gross_amount as ruled_amount,
    is_test or is_test_by_rule as is_test,
    has_contact,
    coalesce(action_at, created_at) as action_at,
    coalesce(qualified_at, created_at) as qualified_at,
    status_at,
    coalesce(action_at, created_at) as attribution_at,
    seen,
    file_row,
    person_seen as identity_seen,
    person_file_row as identity_file_row,
    loaded_at
from joined
