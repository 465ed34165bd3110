-- Every version of the orders; `holds`: the one that the conversion is computed from.
select
    order_id,
    status,
    amount,
    currency,
    tax,
    shipping,
    discount,
    is_test,
    ordered_at,
    paid_at,
    shipped_at,
    updated_at,
    click_id,
    -- Which of the person's keys and contacts the row has; never what they are.
    concat_ws(
        ', ',
        case when session_id is not null then 'session_id' end,
        case when cart_id is not null then 'cart_id' end,
        case when user_id is not null then 'user_id' end,
        case when email is not null then 'e-mail' end,
        case when phone is not null then 'phone' end
    ) as carries,
    (_seen, _row_number) in (
        select (record_seen, record_row) from marts.conversions
        where conversion_key = any($conversion_keys) and source_entity = 'orders'
    ) as holds,
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.orders
where order_id = any($order_ids)
order by order_id, updated_at nulls first, _seen, _row_number
