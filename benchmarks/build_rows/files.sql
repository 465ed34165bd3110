-- What the loader writes down about each file that it loaded.
insert into raw.files by name
select
    'landing' as source,
    entity,
    _file as file,
    count(*) as rows,
    count(*) as loaded,
    0 as quarantined,
    md5(_file) as sha256,
    md5(_file) as digest,
    _seen as seen,
    any_value(_loaded_at) as loaded_at
from (
    select 'clicks' as entity, _file, _seen, _loaded_at from raw.clicks
    union all
    select 'orders', _file, _seen, _loaded_at from raw.orders
    union all
    select 'refunds', _file, _seen, _loaded_at from raw.refunds
    union all
    select 'pixel_events', _file, _seen, _loaded_at from raw.pixel_events
    union all
    select 'consents', _file, _seen, _loaded_at from raw.consents
)
where _seen >= seen_of(getvariable('first_day'), 0)
group by entity, _file, _seen;
