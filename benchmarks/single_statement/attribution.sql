-- First half of the statement: which click each order is attributed to, per route.
with orders as (
    select
        rowid as number, order_id, click_id, session_id, cart_id, user_id, currency, amount, status, is_test, ordered_at
    from raw.orders
    qualify row_number() over (
        partition by order_id order by updated_at desc nulls last, _seen desc, _row_hash desc, _row_number desc
    ) = 1
),
-- Rows of a click id that a later row names again. Hashes are quick to count and miss none.
stale as (
    select rowid as id from raw.clicks
    where hash(click_id) in (select hash(click_id) from raw.clicks group by 1 having count(*) > 1)
    qualify row_number() over (partition by click_id order by _seen desc, _row_hash desc, _row_number desc) > 1
),
shared as (
    select number, ordered_at, 1 as key_rank, clicks.rowid as id, clicks.*
    from orders inner join raw.clicks on orders.click_id = clicks.click_id
    union all
    select number, ordered_at, 2 as key_rank, clicks.rowid as id, clicks.*
    from orders inner join raw.clicks on orders.session_id = clicks.session_id
    union all
    select number, ordered_at, 3 as key_rank, clicks.rowid as id, clicks.*
    from orders inner join raw.clicks on orders.cart_id = clicks.cart_id
    union all
    select number, ordered_at, 4 as key_rank, clicks.rowid as id, clicks.*
    from orders inner join raw.clicks on orders.user_id = clicks.user_id
),
-- An explicit click before all, then the newest, then the nearer key: in one number.
touchpoints as (
    select
        number,
        click_id,
        key_rank - 8 * epoch_us(clicked_at) - case key_rank when 1 then 4000000000000000000 else 0 end as place,
        case
            when coalesce(gclid, url_parameter(landing_url, 'gclid')) is not null then 'gclid'
            when coalesce(gbraid, url_parameter(landing_url, 'gbraid')) is not null then 'gbraid'
            when coalesce(wbraid, url_parameter(landing_url, 'wbraid')) is not null then 'wbraid'
        end as google,
        coalesce(fbclid, url_parameter(landing_url, 'fbclid')) as meta,
        least(irclickid, url_parameter(landing_url, 'irclickid')) as impact,
        least(msclkid, url_parameter(landing_url, 'msclkid')) as microsoft
    from shared
    where clicked_at between ordered_at - interval 30 days and ordered_at and id not in (select id from stale)
),
picked as (
    select
        number,
        min(row(place, click_id, google)) filter (google is not null) as google,
        min(row(place, click_id, 'fbclid')) filter (meta is not null) as meta,
        min(row(place, click_id, impact)) filter (impact is not null) as impact,
        min(row(place, click_id, microsoft)) filter (microsoft is not null) as microsoft
    from touchpoints
    group by number
),
