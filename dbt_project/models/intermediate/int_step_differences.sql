{{ config(tags=['measure']) }}

{%- set steps = ['backend', 'eligible', 'enqueued', 'sent', 'accepted', 'processed'] -%}
{%- set passed = {'accepted': 'was_accepted'} -%}

-- Each conversion that passes one step and not the next, or is worth another amount there, with the cause. In count and
-- in money these rows are the difference between the two steps.
with differences as (
    {%- for step in steps[1:] %}
    {%- set before = steps[loop.index0] %}
    {%- set is_before, is_here = passed.get(before, 'is_' ~ before), passed.get(step, 'is_' ~ step) %}
    select
        *,
        '{{ step }}' as step,
        case
            -- It passed this step although today it would not have passed the one before.
            when {{ is_here }} then 'told_earlier'
            {%- if step == 'eligible' %}
            else reason_code
            {%- elif step == 'enqueued' %}
            when decision = 'report' then 'not_yet_enqueued'
            when reason_code = 'fully_reversed' and is_over_refunded then 'over_refund'
            else reason_code
            {%- elif step == 'processed' %}
            when newest_state = 'accepted' and newest_code = 'unconfirmed' then 'unconfirmed'
            when newest_state = 'accepted' then 'not_yet_processed'
            when newest_state = 'cancelled' then 'withdrawn'
            else newest_state
            {%- else %}
            when newest_state = 'cancelled' then 'withdrawn'
            else coalesce(newest_state, 'not_yet_enqueued')
            {%- endif %}
        end as cause,
        case when {{ is_here }} then 1 else -1 end as conversions,
        {%- if step == 'processed' %}
        case when is_processed then processed_value else -accepted_value end as value
        {%- else %}
        case when {{ is_here }} then worth else -worth end as value
        {%- endif %}
    from {{ ref('int_reconciliation_steps') }}
    where {{ is_before }} <> {{ is_here }}
    union all
    {%- endfor %}
    -- Accepted, and the newest total not yet, or never to be, told.
    select
        *,
        'accepted' as step,
        case when decision = 'kept_as_reported' then reason_code else 'adjustment_under_way' end as cause,
        0 as conversions,
        accepted_value - worth as value
    from {{ ref('int_reconciliation_steps') }}
    where was_accepted and accepted_value <> worth
    union all
    -- Processed, and the adjustment of it that was accepted is not, or was refused.
    select
        *,
        'processed' as step,
        case when newest_state = 'rejected' then 'rejected' else 'adjustment_under_way' end as cause,
        0 as conversions,
        processed_value - accepted_value as value
    from {{ ref('int_reconciliation_steps') }}
    where was_accepted and is_processed and processed_value <> accepted_value
)

select
    conversion_key,
    destination,
    event_name,
    currency,
    step,
    cause,
    case when cause in ('rejected', 'expired', 'parked') then newest_code end as code,
    conversions,
    value,
    report_date,
    occurred_at
from differences
