{%- set steps = ['backend', 'eligible', 'enqueued', 'sent', 'accepted', 'processed'] -%}
{%- set passed = {'accepted': 'was_accepted'} -%}

with counted as (
    select
        report_date,
        destination,
        event_name,
        currency,
        {%- for step in steps %}
        sum(case when {{ passed.get(step, 'is_' ~ step) }} then 1 else 0 end) as {{ step }}_conversions,
        {%- endfor %}
        {%- for step in steps[:-2] %}
        sum(case when is_{{ step }} then worth else 0 end) as {{ step }}_value,
        {%- endfor %}
        sum(case when was_accepted then accepted_value else 0 end) as accepted_value,
        sum(case when is_processed then processed_value else 0 end) as processed_value
    from {{ ref('int_reconciliation_steps') }}
    group by 1, 2, 3, 4
),

reported as (
    select * from {{ ref('int_platform_reports') }}
),

-- Where the platform has told nothing for a day and destination, what it reports is not known: null, not zero.
final as (
    select
        coalesce(counted.report_date, reported.report_date) as report_date,
        coalesce(counted.destination, reported.destination) as destination,
        coalesce(counted.event_name, reported.event_name) as event_name,
        coalesce(counted.currency, reported.currency) as currency,
        {%- for step in steps %}
        coalesce(counted.{{ step }}_conversions, 0) as {{ step }}_conversions,
        {%- endfor %}
        reported.conversions as reported_conversions,
        {%- for step in steps %}
        cast(coalesce(counted.{{ step }}_value, 0) as decimal(18, 4)) as {{ step }}_value,
        {%- endfor %}
        cast(reported.value as decimal(18, 4)) as reported_value
    from counted
    full outer join reported
        on
            counted.report_date = reported.report_date
            and counted.destination = reported.destination
            and counted.event_name = reported.event_name
            and counted.currency = reported.currency
)

select
    *,
    {{ ratio('reported_conversions - backend_conversions', 'backend_conversions') }} as variance_conversions,
    {{ ratio('reported_value - backend_value', 'backend_value') }} as variance_value,
    {{ ratio('accepted_conversions - backend_conversions', 'backend_conversions') }} as accepted_variance_conversions,
    {{ ratio('accepted_value - backend_value', 'backend_value') }} as accepted_variance_value
from final
