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
        counting.source_entity,
        counting.source_id,
        counting.occurred_at,
        counting.place,
        counting.conversion_key as counted_key,
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

-- Events defined on one record tell of the same money: a lead that is qualified and then won is worth what its dearest
-- event is. Each event adds what it is worth beyond those before it, so that the sum up to any day is that.
staged as (
    select
        *,
        row_number() over (partition by source_entity, source_id order by occurred_at, counted_key) as event_number,
        coalesce(
            max(net_value) over (
                partition by source_entity, source_id order by occurred_at, counted_key
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as counted_before
    from exchanged
),

grouped as (
    select
        staged.first_on,
        brought.destination,
        staged.event_name,
        staged.currency,
        staged.days_after,
        sum(case when staged.place = 1 then 1 else 0 end) as customers,
        sum(case when staged.event_number = 1 then 1 else 0 end) as conversions,
        sum(case when staged.net_value is null then 1 else 0 end) as events_without_rate,
        sum(case when staged.net_value > staged.counted_before then staged.net_value - staged.counted_before else 0 end)
            as net_value
    from staged
    inner join {{ ref('int_brought_by') }} as brought on staged.conversion_key = brought.conversion_key
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
        sum(grouped.events_without_rate) as events_without_rate,
        case when sum(grouped.events_without_rate) = 0 then cast(sum(grouped.net_value) as decimal(38, 4)) end
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
