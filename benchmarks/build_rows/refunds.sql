insert into raw.refunds by name
with numbered as (
    select j, unnest([0, 1, 2]) as part
    from range(
        greatest(orders_before(getvariable('first_day') - 23) - 2, 0), orders_before(getvariable('end_day')) + 2
    ) as numbers (j)
    where percent(j, 21) < 5
),
arriving as (
    select *, day_of_order(j) + 1 + (draw(j, 22) % 20)::bigint + case part when 2 then 1 else 0 end as day
    from numbered
    where part = 0 or (part = 1 and percent(j, 27) < 15) or (part = 2 and percent(j, 28) < 3)
)
select
    'r' || j || '-' || case part when 1 then 1 else 0 end as refund_id,
    case when percent(j, 29) < 2 then 'missing' else 'o' end || j as order_id,
    at_day(day) + to_seconds((draw(j, 30) % 86400)::bigint) as refunded_at,
    case when part = 0 and percent(j, 32) < 50 then amount_of(j) else part_of(j, 0.3) end as amount,
    currency_of(j) as currency,
    case when part = 1 and percent(j, 33) < 20 then 'dispute_won' when percent(j, 33) < 80 then 'refund'
        when percent(j, 33) < 90 then 'cancellation' else 'chargeback' end as kind,
    'landing' as _source,
    file_of(day, 'refunds') as _file,
    3 * (j - greatest(orders_before(day - 24) - 2, 0)) + part + 1 as _row_number,
    md5('refund ' || j || ' ' || part) as _row_hash,
    seen_of(day, 3) as _seen,
    loaded_at(day) as _loaded_at
from arriving
where is_wanted(day)
order by day, j, part;
