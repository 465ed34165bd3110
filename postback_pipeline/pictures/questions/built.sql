-- The moment that the published copy speaks of, UTC.
select max(as_of) as as_of from raw.build_context
