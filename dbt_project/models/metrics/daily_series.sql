{#- metric -> the model that counts it, its value, and how many it is the share or mean of. -#}
{%- set metrics = {
    'volume': ['int_daily_conversions', 'conversions', '1'],
    'match_rate': ['int_daily_conversions', ratio('recognised', 'candidates'), 'candidates'],
    'pixel_share': ['int_daily_conversions', ratio('pixel_seen', 'candidates'), 'candidates'],
    'pixel_delay': ['int_daily_conversions', 'pixel_minutes', 'pixel_reports'],
    'refund_rate': ['int_daily_conversions', ratio('refunds', 'conversions_of_late'), 'conversions_of_late'],
    'match_rate of all': ['int_daily_matches', ratio('recognised', 'candidates'), 'candidates'],
    'value_per_conversion': ['int_daily_values', 'value_per_conversion', 'conversions'],
    'acceptance_rate': ['int_daily_postbacks', ratio('accepted', 'sent'), 'sent'],
    'delivered_share': ['int_daily_postbacks', ratio('delivered', 'due'), 'due'],
    'latency': ['int_daily_latencies', 'seconds_since_eligible', 'first_reports'],
    'report_rate': ['int_daily_reports', ratio('reported', 'accepted'), 'accepted'],
} -%}

with unioned as (
    {%- for metric, (model, value, weight) in metrics.items() %}
    select
        destination,
        event_name,
        '{{ metric.split(' ')[0] }}' as metric,
        {{ 'currency' if model == 'int_daily_values' else 'cast(null as varchar)' }} as currency,
        day,
        cast({{ value }} as double) as value,
        cast({{ weight }} as double) as weight
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from unioned
where value is not null and weight > 0
