-- Network identifiers stored on the records, by name, with the click that carries the same one; null where none does.
select
    conversion_key,
    identifier,
    click_id,
    clicked_at
from intermediate.int_record_identifiers
where conversion_key = any($conversion_keys)
order by conversion_key, identifier, clicked_at desc nulls last
