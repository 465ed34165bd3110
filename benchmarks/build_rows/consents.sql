insert into raw.consents by name
with beginning as (
    select s, first_click_of(s) as i, day_of_click(first_click_of(s)) as day
    from range(
        greatest(clicks_before(getvariable('first_day')) // 2 - block(), 0),
        clicks_before(getvariable('end_day')) // 2 + block()
    ) as numbers (s)
),
asked as (
    select *, 'session' as subject_type, 's' || s as subject_id, 0 as place from beginning
    where percent(s, 40) < 20
    union all
    select *, 'user', user_of(s), 1 from beginning
    where is_signed_in(s) and percent(user_number(s), 41) < 20
)
select
    subject_type,
    subject_id,
    case when percent(s, 42) < 85 then 'ad_user_data' else 'analytics' end as purpose,
    case when percent(s, 43) < 80 then 'granted' else 'denied' end as state,
    clicked_at(i) as recorded_at,
    'v1' as version,
    'landing' as _source,
    file_of(day, 'consents') as _file,
    2 * s + place + 1 as _row_number,
    md5('consent ' || s || ' ' || place) as _row_hash,
    seen_of(day, 5) as _seen,
    loaded_at(day) as _loaded_at
from asked
where is_wanted(day)
order by day, i, place;
