-- Every row of the app events; `holds`: the one that the conversion is computed from.
select
    event_id,
    event,
    platform,
    amount,
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
        case when device_id is not null then 'device_id' end,
        case when email is not null then 'e-mail' end,
        case when phone is not null then 'phone' end
    ) as carries,
    (_seen, _row_number) in (
        select (record_seen, record_row) from marts.conversions
        where conversion_key = any($conversion_keys) and source_entity = 'app_events'
    ) as holds,
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.app_events
where event_id = any($app_event_ids)
order by event_id, occurred_at, _seen, _row_number
