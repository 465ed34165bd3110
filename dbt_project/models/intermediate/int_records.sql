{{ config(materialized='table') }}

with records as (
    select * from {{ ref('int_order_records') }}
    union all
    select * from {{ ref('int_lead_records') }}
    union all
    select * from {{ ref('int_subscription_records') }}
    union all
    select * from {{ ref('int_event_records') }}
)

select * from records
where {{ key_in_scope() }}
