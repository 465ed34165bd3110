select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as eligible_conversions,
    sum(case when is_matched then 1 else 0 end) as matched_conversions,
    sum(coalesce(desired_value, reported_value)) as eligible_value,
    sum(case when is_matched then coalesce(desired_value, reported_value) else 0 end) as matched_value,
    {{ ratio('sum(case when is_matched then 1 else 0 end)', 'count(*)') }} as match_rate
from {{ ref('decisions') }}
where is_eligible
group by 1, 2, 3, 4
