insert into raw.clicks by name
select
    click_id_of(i) as click_id,
    clicked_at(i) as clicked_at,
    landing_url(i) as landing_url,
    's' || s as session_id,
    case when is_signed_in(s) then user_of(s) end as user_id,
    cart_of(s) as cart_id,
    'campaign-' || (draw(i, 24) % 200) as campaign,
    'landing' as _source,
    file_of(day, 'clicks') as _file,
    i - clicks_before(day) + 1 + case when is_late(i) then 2 * getvariable('clicks') else 0 end as _row_number,
    md5('click ' || i) as _row_hash,
    seen_of(day, 1) as _seen,
    loaded_at(day) as _loaded_at
from (
    select i, session_of(i) as s, day_of_click(i) + case when is_late(i) then 1 else 0 end as day
    from range(clicks_before(getvariable('first_day') - 1), clicks_before(getvariable('end_day'))) as numbers (i)
)
where is_wanted(day);
