{{ config(tags=['measure']) }}

-- Lifetime values with a column per horizon: null where a cohort is too young to tell.
select
    first_on,
    destination,
    event_name,
    currency,
    {%- for days in [30, 90, 365] %}
    max(case when after_days = {{ days }} then ltv end) as ltv_{{ days }}d,
    {%- endfor %}
    max(customers) as new_customers
from {{ ref('lifetime_value') }}
where destination <> '(all)'
group by 1, 2, 3, 4
