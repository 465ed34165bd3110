-- Every row of the orders' refunds. Their reason is the source's own words, which may name a person: left out.
select
    refund_id,
    order_id,
    kind,
    amount,
    currency,
    refunded_at,
    _file as file,
    _row_number as row_number,
    _loaded_at as loaded_at
from raw.refunds
where order_id = any($order_ids)
order by refunded_at, refund_id, _seen, _row_number
