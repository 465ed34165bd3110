-- Nothing disappears: under each definition over orders, every order id that was loaded is a conversion.
select
    orders.order_id,
    definitions.event_name
from (select distinct order_id from {{ ref('stg_orders') }}) as orders
cross join {{ ref('stg_conversion_definitions') }} as definitions
left join {{ ref('conversions') }} as conversions
    on
        orders.order_id = conversions.source_id
        and definitions.event_name = conversions.event_name
where definitions.source_entity = 'orders' and conversions.conversion_key is null
