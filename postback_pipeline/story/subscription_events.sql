-- Every event of the subscriptions; `holds`: a conversion is computed from it, `names_person`: the one whose keys
-- attribution goes by.
select
    subscription_id,
    event_id,
    event,
    plan,
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
        case when email is not null then 'e-mail' end,
        case when phone is not null then 'phone' end
    ) as carries,
    exists (
        from marts.conversions
        where source_id = events.event_id and record_seen = events._seen and record_row = events._row_number
    ) as holds,
    exists (
        from marts.conversions
        where
            subscription_id = events.subscription_id
            and identity_seen = events._seen
            and identity_row = events._row_number
    ) as names_person,
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.subscription_events as events
where
    subscription_id in (
        select subscription_id from raw.subscription_events
        where event_id = any($subscription_event_ids) or subscription_id = any($subscription_event_ids)
    )
order by subscription_id, occurred_at, event_id, _seen, _row_number
