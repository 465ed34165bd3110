select
    occurred_on,
    destination,
    event_name,
    currency,
    sum(case when is_pixel_reported then 1 else 0 end) as both_saw,
    sum(case when is_pixel_reported then 0 else 1 end) as server_only,
    sum(case when is_pixel_reported then worth else 0 end) as both_saw_value,
    sum(case when is_pixel_reported then 0 else worth end) as server_only_value,
    {{ ratio(
        'sum(case when is_pixel_reported then 0 else 1 end)', 'sum(case when is_pixel_reported then 1 else 0 end)'
    ) }} as lift_over_pixel
from {{ ref('int_reconciliation_steps') }}
where is_eligible
group by 1, 2, 3, 4
