{{ config(materialized='table') }}

-- For the days that this build asks about.
with days as (
    select distinct {{ utc_date('action_at') }} as day
    from {{ ref('int_records') }}
    union
    select distinct {{ utc_date('reversed_at') }} as day
    from {{ ref('int_reversal_facts') }}
    where currency <> original_currency
)

{{ rates_on('days') }}
