{#- Conversions that the ledger's news, the passing of time, changed rules or changed rates concern. -#}
{%- if builds_everything() %}
select cast(null as varchar) as conversion_key
where false
{%- else %}
{%- set decisions = built('intermediate', 'int_decisions') %}
with removed as (
    select * from {{ ref('stg_removed_rows') }}
    where {{ is_new() }}
),

-- From the first day whose rate changed on: a rate holds until the next one.
changed_rates as (
    select min(day) as first_day
    from (
        select rated_on as day from {{ ref('stg_fx_rates') }}
        where {{ is_new() }}
        union all
        select day from removed
        where entity = 'fx_rates'
    ) as days
),

final as (
    select conversion_key from {{ ref('stg_ledger_history') }}
    where seq > {{ built_up_to()['ledger_seq'] if execute else 0 }}
    union
    select decisions.conversion_key
    from {{ decisions }} as decisions
    inner join {{ ref('stg_build_context') }} as context on decisions.next_change_at <= context.as_of
    union
    -- What is due and was not taken: the outbox tells it again.
    select conversion_key from {{ decisions }}
    where is_due
    union
    select conversion_key from {{ decisions }}
    where event_name in (select event_name from {{ ref('int_changed_rules') }})
    union
    select conversion_key from {{ built('marts', 'conversions') }}
    where event_name in (select event_name from {{ ref('int_changed_rules') }})
    union
    select decisions.conversion_key
    from {{ decisions }} as decisions
    inner join {{ ref('stg_routes') }} as routes
        on
            decisions.destination = routes.destination
            and decisions.event_name = routes.event_name
            and routes.route_currency is not null
    inner join changed_rates on decisions.occurred_on >= changed_rates.first_day
    union
    select reversals.conversion_key
    from {{ built('marts', 'reversals') }} as reversals
    inner join changed_rates on {{ utc_date('reversals.reversed_at') }} >= changed_rates.first_day
    where reversals.currency <> reversals.original_currency
)

select * from final
{%- endif %}
