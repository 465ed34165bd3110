-- Every row of the pixel events that are the conversion, or that name it.
select
    event_id,
    event,
    destination,
    order_id,
    value,
    currency,
    is_test,
    occurred_at,
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
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.pixel_events
where
    event_id = any($pixel_event_ids)
    or event_id = any($reported_event_ids)
    or order_id = any($order_ids)
order by event_id, occurred_at, _seen, _row_number
