{%- set steps = ['backend', 'eligible', 'enqueued', 'sent', 'accepted'] -%}

with differences as (
    {%- for step in steps[1:] %}
    {%- set before = steps[loop.index0] %}
    select
        report_date,
        destination,
        event_name,
        currency,
        '{{ step }}' as step,
        case
            -- It passed this step although today it would not have passed the one before.
            when is_{{ step }} then 'told_earlier'
            {%- if step == 'eligible' %}
            else reason_code
            {%- elif step == 'enqueued' %}
            when decision = 'report' then 'not_yet_enqueued'
            else reason_code
            {%- else %}
            else coalesce(newest_state, 'not_yet_enqueued')
            {%- endif %}
        end as cause,
        case when is_{{ step }} then 1 else -1 end as conversions,
        case when is_{{ step }} then worth else -worth end as value
    from {{ ref('int_reconciliation_steps') }}
    where is_{{ before }} <> is_{{ step }}
    union all
    {%- endfor %}
    -- Accepted, and the newest total not yet, or never to be, told.
    select
        report_date,
        destination,
        event_name,
        currency,
        'accepted' as step,
        case when decision = 'kept_as_reported' then reason_code else 'adjustment_under_way' end as cause,
        0 as conversions,
        believed_value - worth as value
    from {{ ref('int_reconciliation_steps') }}
    where is_accepted and believed_value <> worth
    union all
    select
        report_date,
        destination,
        event_name,
        currency,
        'reported' as step,
        'unexplained' as cause,
        reported_conversions - accepted_conversions as conversions,
        reported_value - accepted_value as value
    from {{ ref('reconciliation') }}
    where reported_conversions is not null
)

select
    report_date,
    destination,
    event_name,
    currency,
    step,
    cause,
    sum(conversions) as conversions,
    cast(sum(value) as decimal(18, 4)) as value
from differences
group by 1, 2, 3, 4, 5, 6
