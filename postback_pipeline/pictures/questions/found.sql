-- Conversions whose key or own id begins like this, the newest first.
select
    conversion_key,
    event_name,
    source_id,
    status,
    net_value,
    currency,
    occurred_at
from marts.conversions
where starts_with(source_id, $begin) or starts_with(conversion_key, $begin)
order by occurred_at desc
limit 50
