-- Second half of the statement: what each order is worth now, and what is decided about it on each route.
refunds as (
    select order_id, currency, case kind when 'dispute_won' then -amount else amount end as amount from raw.refunds
    qualify row_number() over (partition by refund_id order by _seen desc, _row_hash desc, _row_number desc) = 1
),
reversed as (
    select number, least(greatest(sum(refunds.amount), 0), any_value(orders.amount))::decimal(18, 4) as taken
    from orders inner join refunds on orders.order_id = refunds.order_id and orders.currency = refunds.currency
    group by number
),
-- Denied by the user or in the session: now, or when the person acted.
consents as (
    select
        subject_id || ' ' || subject_type as subject, state, recorded_at, row(recorded_at, _seen, _row_hash) as recency
    from raw.consents
    where purpose = 'ad_user_data'
    qualify bool_or(state = 'denied') over (partition by subject_id, subject_type)
),
denied as (
    select number
    from (select number, ordered_at, unnest([user_id || ' user', session_id || ' session']) as subject from orders)
    inner join consents using (subject)
    group by number, subject
    having
        arg_max(state, recency) = 'denied'
        or arg_max(state, recency) filter (recorded_at <= ordered_at) = 'denied'
),
seen_by_pixel as (
    select order_id from raw.pixel_events
    qualify row_number() over (
        partition by destination, event_id order by _seen desc, _row_hash desc, _row_number desc
    ) = 1 and coalesce(destination, 'meta') = 'meta' and lower(event) = 'purchase'
),
valued as (
    select
        orders.* exclude (click_id),
        picked.* exclude (number),
        rounded(amount, minor_units)::decimal(18, 4) as value,
        (10 ** (4 - minor_units))::hugeint as quantum,
        coalesce(taken, 0) as taken
    from orders
    inner join raw.currencies using (currency)
    left join picked using (number)
    left join reversed using (number)
),
judged as (
    select
        *,
        case
            when status in ('cancelled', 'fraud') then 0
            when taken = 0 then value
            else share(value, amount - taken, amount, quantum)
        end as net_value,
        case
            when is_test then 'test_order'
            when status in ('cancelled', 'fraud') then 'cancelled'
            when status not in ('paid', 'shipped', 'completed') then 'not_qualified'
            when value = 0 then 'zero_value'
            when ordered_at < (select min(start_at) from raw.routes) then 'before_start'
            when ordered_at > (select as_of from raw.build_context) then 'on_hold'
        end as excluded,
        case when taken >= amount then 'fully_reversed' else 'eligible' end as otherwise,
        case
            when number in (select number from denied) then 'consent_denied'
            when order_id in (select order_id from seen_by_pixel) then 'pixel_reported'
        end as blocked
    from valued
),
routed as (
    select *, 'google' as destination, google[2] as click_id, google[3] as identifier, null as kept from judged
    union all
    select *, 'meta', meta[2], meta[3], blocked from judged
    union all
    select *, 'impact', impact[2], case when impact is not null then 'irclickid' end,
        case when microsoft < impact then 'lost_to_other_route' end from judged
    union all
    select *, 'microsoft', microsoft[2], case when microsoft is not null then 'msclkid' end,
        case when impact <= microsoft then 'lost_to_other_route' end from judged
),
reasoned as (
    select
        *,
        coalesce(excluded, case when click_id is null then 'no_match' end, kept, otherwise) as reason_code
    from routed
)
select
    'purchase:' || order_id as conversion_key,
    destination,
    reason_code,
    case reason_code when 'eligible' then 'report' else 'withhold' end as decision,
    click_id,
    identifier,
    net_value,
    net_value as desired_value
from reasoned
