with definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'orders'
),

final as (
    select
        orders.*,
        definitions.event_name || ':' || orders.order_id as conversion_key,
        definitions.event_name,
        orders.order_id as source_id,
        definitions.definition_version,
        definitions.zero_values,
        currencies.minor_units,
        case definitions.value_rule
            when 'net_of_tax' then greatest(orders.gross_amount - coalesce(orders.tax_amount, 0), 0)
            when 'net_of_tax_and_shipping'
                then greatest(
                    orders.gross_amount - coalesce(orders.tax_amount, 0) - coalesce(orders.shipping_amount, 0), 0
                )
            else orders.gross_amount
        end as ruled_value,
        case
            when orders.status in ('cancelled', 'fraud') then 'cancelled'
            when {{ in_list('orders.status', 'definitions.qualifying_statuses') }} then 'qualified'
            else 'not_qualified'
        end as qualification,
        {{ source_time('definitions.action_at_column', 'orders') }} as action_at,
        {{ source_time('definitions.qualified_at_column', 'orders') }} as qualified_at,
        {{ add_hours(source_time('definitions.qualified_at_column', 'orders'), 'definitions.hold_days * 24') }}
            as held_until
    from {{ ref('int_orders') }} as orders
    cross join definitions
    inner join {{ ref('stg_currencies') }} as currencies on orders.currency = currencies.currency
)

select * from final
