{{ config(materialized='table') }}

-- For the days that this build asks about: each currency's newest rate, at most a week old. None is guessed.
with days as (
    select distinct {{ utc_date('action_at') }} as day
    from {{ ref('int_records') }}
    union
    select distinct {{ utc_date('reversed_at') }} as day
    from {{ ref('int_reversal_facts') }}
    where currency <> original_currency
),

rates as (
    select
        *,
        row_number() over (partition by currency, rated_on order by seen desc, row_hash desc, file_row desc) as recency
    from {{ ref('stg_fx_rates') }}
),

ranked as (
    select
        rates.currency,
        days.day,
        rates.rate_to_base,
        row_number() over (partition by rates.currency, days.day order by rates.rated_on desc) as pick
    from days
    inner join rates
        on
            days.day >= rates.rated_on
            and days.day < rates.rated_on + 7
    where rates.recency = 1
)

select
    currency,
    day,
    rate_to_base
from ranked
where pick = 1
