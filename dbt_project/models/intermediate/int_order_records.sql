with definitions as (
    select * from {{ ref('stg_conversion_definitions') }}
    where source_entity = 'orders'
),

timed as (
    select
        orders.*,
        definitions.event_name,
        definitions.definition_version,
        definitions.qualifying_statuses,
        {{ first_identity('orders', 'definitions') }} as first_identity,
        orders.is_test
        or {{ matches_test_rule(
            'orders', 'definitions', ['email', 'coupon', 'user_id', 'phone', 'ip'], 'order_id'
        ) }} as is_test_record,
        orders.gross_amount
        - case when definitions.less_tax then coalesce(orders.tax_amount, 0) else 0 end
        - case when definitions.less_shipping then coalesce(orders.shipping_amount, 0) else 0 end
        - case when definitions.less_discount then coalesce(orders.discount_amount, 0) else 0 end as ruled_amount,
        {{ source_time('definitions.action_at_column', 'orders') }} as action_at,
        {{ source_time('definitions.qualified_at_column', 'orders') }} as qualified_at
    from {{ ref('int_orders') }} as orders
    inner join definitions on {{ in_effect('definitions', source_time('definitions.action_at_column', 'orders')) }}
),

final as (
    select
        event_name || ':' || order_id as conversion_key,
        event_name,
        'orders' as source_entity,
        order_id as source_id,
        definition_version,
        cast(null as varchar) as subscription_id,
        first_identity,
        click_id,
        session_id,
        cart_id,
        user_id,
        status as source_status,
        case
            when status in ('cancelled', 'fraud') then 'cancelled'
            when {{ in_list('status', 'qualifying_statuses') }} then 'qualified'
            else 'not_qualified'
        end as qualification,
        currency as source_currency,
        cast(null as varchar) as plan,
        gross_amount,
        ruled_amount,
        is_test_record as is_test,
        coalesce(email, phone) is not null as has_contact,
        action_at,
        qualified_at,
        coalesce(updated_at, action_at) as status_at,
        action_at as attribution_at,
        seen,
        file_row,
        seen as identity_seen,
        file_row as identity_file_row,
        loaded_at
    from timed
)

select * from final
