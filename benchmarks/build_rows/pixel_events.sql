insert into raw.pixel_events by name
select
    'px' || j as event_id,
    'purchase' as event,
    ordered_at(j) + to_seconds(2) as occurred_at,
    case when percent(j, 34) < 25 then 'meta' when percent(j, 34) < 50 then 'google' end as destination,
    'o' || j as order_id,
    amount_of(j) as value,
    currency_of(j) as currency,
    'landing' as _source,
    file_of(day_of_order(j), 'pixel_events') as _file,
    2 * (j - greatest(orders_before(day_of_order(j) - 1) - 2, 0)) + copy + 1 as _row_number,
    md5('pixel ' || j) as _row_hash,
    seen_of(day_of_order(j), 4) as _seen,
    loaded_at(day_of_order(j)) as _loaded_at
from (
    select j, unnest([0, 1]) as copy
    from range(
        greatest(orders_before(getvariable('first_day')) - 2, 0), orders_before(getvariable('end_day')) + 2
    ) as numbers (j)
)
where is_wanted(day_of_order(j)) and percent(j, 31) < 30 and (copy = 0 or percent(j, 35) = 0)
order by day_of_order(j), j, copy;
