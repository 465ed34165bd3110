{{ config(tags=['measure'], materialized='table') }}

-- For the days that metrics in money ask about: those of conversions and of what advertising cost.
with days as (
    select distinct occurred_on as day
    from {{ ref('conversions') }}
    union
    select distinct report_date as day
    from {{ ref('int_reconciliation_steps') }}
    union
    select distinct spent_on as day
    from {{ ref('stg_ad_spend') }}
)

{{ rates_on('days') }}
