{{ config(tags=['measure']) }}

-- The delay curves with a column per horizon: null where a cohort is too young to tell.
select
    occurred_on,
    destination,
    event_name,
    currency,
{%- for hours in horizon_hours() %}
max(case when after_hours = {{ hours }} then accepted_share end) as accepted_share_{{ hours }}h,
max(case when after_hours = {{ hours }} then processed_share end)
    as processed_share_{{ hours }}h{{ ',' if not loop.last }}
{%- endfor %}
from {{ ref('delay_curve') }}
group by 1, 2, 3, 4
