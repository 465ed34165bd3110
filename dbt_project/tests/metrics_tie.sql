{{ config(tags=['measure'], meta={'dagster': {'ref': {'name': 'daily_overview'}}}) }}

{%- set sums = [
    ('eligible conversions', 'decisions', 'is_eligible', '1', 'match_rate', 'eligible_conversions'),
    ('matched conversions', 'decisions', 'is_eligible and is_matched', '1', 'match_rate', 'matched_conversions'),
    ('eligible conversions', 'decisions', 'is_eligible', '1', 'lift_over_pixel', 'both_saw + server_only'),
    ('sent postbacks', 'deliveries', 'is_sent', '1', 'acceptance_rate', 'sent_postbacks'),
    ('sent value', 'deliveries', 'is_sent', 'delta', 'acceptance_rate', 'sent_value'),
    ('reversed value', 'deliveries', "is_accepted and kind <> 'conversion' and delta < 0", '-delta', 'reversals_told',
        'sent_value'),
    ('pixel reports', 'pixel_reports', 'true', '1', 'deduplication_rate', 'pixel_reports'),
    ('eligible value', 'match_rate', 'true', 'eligible_value', 'daily_overview', 'eligible_value'),
    ('accepted value', 'acceptance_rate', 'true', 'accepted_value', 'daily_overview', 'accepted_value'),
    ('processed value', 'processing_rate', 'true', 'processed_value', 'daily_overview', 'processed_value'),
    ('reported value', 'report_rate', 'true', 'reported_value', 'daily_overview', 'reported_value'),
    ('removed duplicates', 'deduplication_rate', 'true', 'removed_duplicates', 'daily_overview',
        'removed_duplicates'),
    ('server only', 'lift_over_pixel', 'true', 'server_only_value', 'daily_overview', 'server_only_value'),
    ('first reports', 'latency', 'true', 'accepted_first_reports', 'daily_overview', 'accepted_first_reports'),
    ('uncorrectable value', 'reversals_told', 'true', 'uncorrectable_value', 'daily_overview', 'uncorrectable_value'),
    ('open value', 'value_at_risk', 'true', 'open_value', 'daily_overview', 'open_value'),
    ('conversions with known cost', 'cost_and_return', 'true', 'conversions', 'daily_overview', 'brought_conversions'),
    ('won leads', 'lead_to_close', "destination <> '(all)'", 'won_leads', 'daily_overview', 'won_leads'),
    ('backend value', 'reconciliation', 'true', 'backend_value', 'daily_overview', 'backend_value'),
    ('accepted conversions', 'reconciliation', 'true', 'accepted_conversions', 'daily_overview',
        'accepted_conversions'),
] %}

-- Nothing is lost on the way into a metric, nor from there into the wide table, in count and money.
with compared as (
    {%- for name, source, condition, counted, metric, measured in sums %}
    select
        '{{ name }} of {{ metric }}' as figure,
        (
            select coalesce(sum({{ counted }}), 0) from {{ ref(source) }}
            where {{ condition }}
        ) as expected,
        (select coalesce(sum({{ measured }}), 0) from {{ ref(metric) }}) as measured
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from compared
where expected <> measured
