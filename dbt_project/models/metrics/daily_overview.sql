{#- Each metric's columns, and what they are called beside those of the others: by model, and by its day. -#}
{%- set metrics = {
    'match_rate': ['occurred_on', 'eligible_conversions', 'matched_conversions', 'eligible_value', 'matched_value',
        'match_rate', 'platform_match_rate'],
    'acceptance_rate': ['occurred_on', 'sent_postbacks', 'accepted_postbacks', 'rejected_postbacks',
        'unknown_postbacks', 'parked_postbacks', 'sent_value', 'accepted_value', 'acceptance_rate'],
    'processing_rate': ['occurred_on', 'accepted_postbacks as to_process_postbacks', 'processed_postbacks',
        'rejected_later_postbacks', 'unconfirmed_postbacks', 'unjudged_postbacks', 'processed_value',
        'processing_rate'],
    'deduplication_rate': ['occurred_on', 'server_reports', 'pixel_reports', 'pixel_only', 'removed_duplicates',
        'removed_value', 'deduplication_rate'],
    'lift_over_pixel': ['occurred_on', 'both_saw', 'server_only', 'both_saw_value', 'server_only_value',
        'lift_over_pixel'],
    'latency': ['occurred_on', 'accepted_first_reports', 'p50_seconds_since_action', 'p95_seconds_since_action',
        'p50_seconds_since_eligible', 'p95_seconds_since_eligible'],
    'int_daily_delays': ['occurred_on', 'accepted_share_1h', 'accepted_share_6h', 'accepted_share_24h',
        'accepted_share_72h', 'accepted_share_168h', 'accepted_share_672h', 'processed_share_1h',
        'processed_share_6h', 'processed_share_24h', 'processed_share_72h', 'processed_share_168h',
        'processed_share_672h'],
    'reversals_told': ['occurred_on', 'sent_postbacks as reversal_postbacks', 'sent_value as reversed_value',
        'waiting_value as reversals_waiting_value', 'too_late_value', 'unsupported_value', 'not_sent_value',
        'refused_value', 'uncorrectable_conversions', 'uncorrectable_value', 'told_share as reversals_told_share'],
    'value_at_risk': ['occurred_on', 'open_conversions', 'open_value', 'on_hold_conversions', 'on_hold_value',
        'expiring_24h_conversions', 'expiring_24h_value', 'expiring_168h_value', 'held_past_expiry_value'],
    'lead_to_close': ['occurred_on', 'qualified_leads', 'won_leads', 'won_value', 'lead_to_close'],
    'int_daily_lifetimes': ['first_on', 'new_customers', 'ltv_30d', 'ltv_90d', 'ltv_365d'],
    'report_rate': ['report_date', 'accepted_conversions as reportable_conversions', 'reported_conversions',
        'accepted_value as reportable_value', 'reported_value', 'report_rate', 'report_rate_value'],
    'cost_and_return': ['report_date', 'conversions as brought_conversions', 'net_value as brought_value', 'cpa',
        'roas'],
} -%}

with counted as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        sum(case when is_backend then 1 else 0 end) as backend_conversions,
        sum(case when is_backend then worth else 0 end) as backend_value,
        sum(case when was_accepted then 1 else 0 end) as accepted_conversions,
        sum(coalesce(believed_value, 0)) as believed_value
    from {{ ref('int_reconciliation_steps') }}
    group by 1, 2, 3, 4
),

spine as (
    select
        occurred_on,
        destination,
        event_name,
        currency
    from counted
    {%- for model, columns in metrics.items() %}
    union
    select
        {{ columns[0] }} as occurred_on,
        destination,
        event_name,
        currency
    from {{ ref(model) }}
    where destination <> '(all)'
    {%- endfor %}
),

final as (
    select
        spine.*,
        coalesce(counted.backend_conversions, 0) as backend_conversions,
        cast(coalesce(counted.backend_value, 0) as decimal(38, 4)) as backend_value,
        coalesce(counted.accepted_conversions, 0) as accepted_conversions,
        cast(coalesce(counted.believed_value, 0) as decimal(38, 4)) as believed_value
        {%- for model, columns in metrics.items() %}
        {%- for column in columns[1:] %},
        {{ model }}.{{ column }}
        {%- endfor %}
        {%- endfor %}
    from spine
    left join counted
        on
            spine.occurred_on = counted.occurred_on
            and spine.destination = counted.destination
            and spine.event_name = counted.event_name
            and spine.currency is not distinct from counted.currency
    {%- for model, columns in metrics.items() %}
    left join {{ ref(model) }} as {{ model }}
        on
            spine.occurred_on = {{ model }}.{{ columns[0] }}
            and spine.destination = {{ model }}.destination
            and spine.event_name = {{ model }}.event_name
            and spine.currency is not distinct from {{ model }}.currency
    {%- endfor %}
)

select * from final
