-- Attempts by the day on which they ended, and how they ended; each kind of ending with its newest example.
select
    {{ utc_date('changed_at') }} as attempted_on,
    destination,
    event_name,
    outcome,
    coalesce(reason, '') as reason,
    http_status,
    count(*) as attempts,
    max_by(conversion_key, changed_at) as example_conversion_key,
    min(changed_at) as first_at,
    max(changed_at) as last_at
from {{ ref('stg_ledger_history') }}
where outcome is not null
group by 1, 2, 3, 4, 5, 6
