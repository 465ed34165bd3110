insert into raw.orders by name
with numbered as (
    select j, click_of_order(j) as i, session_of(click_of_order(j)) as s, unnest([0, 1]) as version
    from range(
        greatest(orders_before(getvariable('first_day') - 4) - 2, 0), orders_before(getvariable('end_day')) + 2
    ) as numbers (j)
),
arriving as (
    select *, day_of_order(j) + case version when 1 then 1 + (draw(j, 20) % 3)::bigint else 0 end as day
    from numbered
    where version = 0 or percent(j, 19) < 3
)
select
    'o' || j as order_id,
    ordered_at(j) as ordered_at,
    case version when 1 then next_status_of(j) else status_of(j) end as status,
    amount_of(j) as amount,
    currency_of(j) as currency,
    part_of(j, 0.16) as tax,
    ordered_at(j) + to_seconds(case version when 1 then 86400 * (day - day_of_order(j)) else 300 end) as updated_at,
    draw(j, 18) % 200 = 0 as is_test,
    case when percent(j, 15) < 60 then 's' || s when percent(j, 15) < 95 then 'x' || j end as session_id,
    case when percent(j, 16) < 70 then user_of(s) end as user_id,
    cart_of(s) as cart_id,
    case when percent(j, 17) < 5 then click_id_of(i) end as click_id,
    'customer' || j || '@mail.example' as email,
    'landing' as _source,
    file_of(day, 'orders') as _file,
    2 * (j - greatest(orders_before(day - 5) - 2, 0)) + version + 1 as _row_number,
    md5('order ' || j || ' ' || version) as _row_hash,
    seen_of(day, 2) as _seen,
    loaded_at(day) as _loaded_at
from arriving
where is_wanted(day)
order by day, ordered_at(j);
