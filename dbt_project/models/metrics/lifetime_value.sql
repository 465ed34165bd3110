-- What persons whose first conversion was on one day were worth so many days later, once all of them had that time.
with counting as (
    select
        *,
        row_number() over (partition by user_id order by occurred_at, conversion_key) as place
    from {{ ref('conversions') }}
    where user_id is not null and status in ('qualified', 'partly_reversed', 'fully_reversed')
),

exchanged as (
    select
        firsts.conversion_key,
        firsts.occurred_on as first_on,
        firsts.event_name,
        firsts.currency,
        counting.place,
        {{ dbt.datediff('firsts.occurred_on', 'counting.occurred_on', 'day') }} as days_after,
        {{ exchanged_by(
            'counting.net_value', 'counting.currency', 'here', 'firsts.currency', 'there', 'firsts.minor_units'
        ) }} as net_value
    from counting
    inner join counting as firsts on counting.user_id = firsts.user_id and firsts.place = 1
    left join {{ ref('int_measured_rates') }} as here
        on
            counting.currency = here.currency
            and counting.occurred_on = here.day
    left join {{ ref('int_measured_rates') }} as there
        on
            firsts.currency = there.currency
            and counting.occurred_on = there.day
),

grouped as (
    select
        exchanged.first_on,
        brought.destination,
        exchanged.event_name,
        exchanged.currency,
        exchanged.days_after,
        sum(case when exchanged.place = 1 then 1 else 0 end) as customers,
        count(*) as conversions,
        count(*) - count(exchanged.net_value) as conversions_without_rate,
        sum(exchanged.net_value) as net_value
    from exchanged
    inner join {{ ref('int_brought_by') }} as brought on exchanged.conversion_key = brought.conversion_key
    group by 1, 2, 3, 4, 5
),

final as (
    select
        grouped.first_on,
        grouped.destination,
        grouped.event_name,
        grouped.currency,
        horizons.days as after_days,
        sum(grouped.customers) as customers,
        sum(grouped.conversions) as conversions,
        sum(grouped.conversions_without_rate) as conversions_without_rate,
        case when sum(grouped.conversions_without_rate) = 0 then cast(sum(grouped.net_value) as decimal(38, 4)) end
            as net_value
    from grouped
    cross join {{ ref('stg_build_context') }} as context
    inner join (values (0), (7), (30), (90), (180), (365)) as horizons (days)
        on
            grouped.days_after <= horizons.days
            and grouped.first_on <= {{ utc_date(add_hours('context.as_of', '-24 - 24 * horizons.days')) }}
    group by 1, 2, 3, 4, 5
)

select
    *,
    {{ ratio('net_value', 'customers') }} as ltv
from final
