-- Rows in quarantine that name the records, or a click or consent that would concern their conversions. What they say
-- stays in there.
with persons as (
    select click_id, session_id, cart_id, user_id from marts.conversions
    where conversion_key = any($conversion_keys)
),

held_back as (
    select entity, file, row_number, reason, loaded_at, try_cast("row" as json) as cells
    from raw.quarantine
)

select entity, file, row_number, reason, loaded_at
from held_back
where
    case entity
        when 'leads' then trim(cells ->> 'lead_id') = any($lead_ids)
        when 'subscription_events' then
            trim(cells ->> 'event_id') = any($subscription_event_ids)
            or trim(cells ->> 'subscription_id') = any($subscription_ids)
        when 'app_events' then trim(cells ->> 'event_id') = any($app_event_ids)
        when 'pixel_events' then
            trim(cells ->> 'event_id') = any($pixel_event_ids) or trim(cells ->> 'order_id') = any($order_ids)
        when 'clicks' then
            trim(cells ->> 'click_id') in (select click_id from persons where click_id is not null)
            or trim(cells ->> 'session_id') in (select session_id from persons where session_id is not null)
            or trim(cells ->> 'cart_id') in (select cart_id from persons where cart_id is not null)
            or trim(cells ->> 'user_id') in (select user_id from persons where user_id is not null)
        when 'consents' then
            trim(cells ->> 'subject_id') in (
                select user_id from persons where user_id is not null
                union
                select session_id from persons where session_id is not null
            )
        when 'orders' then trim(cells ->> 'order_id') = any($order_ids)
        when 'refunds' then trim(cells ->> 'order_id') = any($order_ids)
        when 'order_items' then trim(cells ->> 'order_id') = any($order_ids)
    end
order by loaded_at, file, row_number
