{{ config(tags=['measure']) }}

-- What a day at a destination cost, in the currency of most of it. Of several rows of a campaign the newest holds.
with newest as (
    select
        *,
        row_number() over (
            partition by spent_on, destination, campaign, currency order by seen desc, row_hash desc, file_row desc
        ) as recency
    from {{ ref('stg_ad_spend') }}
),

by_currency as (
    select
        spent_on,
        destination,
        currency,
        sum(cost) as cost,
        sum(clicks) as clicks,
        sum(impressions) as impressions
    from newest
    where recency = 1
    group by 1, 2, 3
),

ranked as (
    select
        *,
        first_value(currency) over (partition by spent_on, destination order by cost desc, currency asc)
            as main_currency
    from by_currency
),

exchanged as (
    select
        ranked.*,
        {{ exchanged_by(
            'ranked.cost', 'ranked.currency', 'here', 'ranked.main_currency', 'there', 'currencies.minor_units'
        ) }} as main_cost
    from ranked
    left join {{ ref('stg_currencies') }} as currencies on ranked.main_currency = currencies.currency
    left join {{ ref('int_measured_rates') }} as here
        on
            ranked.currency = here.currency
            and ranked.spent_on = here.day
    left join {{ ref('int_measured_rates') }} as there
        on
            ranked.main_currency = there.currency
            and ranked.spent_on = there.day
)

select
    spent_on,
    destination,
    main_currency as currency,
    -- Null where a part of it is in a currency without a rate: less than all would be wrong.
    case when count(main_cost) = count(*) then cast(sum(main_cost) as decimal(18, 4)) end as cost,
    sum(clicks) as clicks,
    sum(impressions) as impressions
from exchanged
group by 1, 2, 3
