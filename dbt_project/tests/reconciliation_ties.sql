{{ config(tags=['measure'], meta={'dagster': {'ref': {'name': 'reconciliation'}}}) }}

{%- set steps = ['backend', 'eligible', 'enqueued', 'sent', 'accepted', 'processed', 'reported'] %}

-- At every step the causes explain the whole difference, in count and money; where nothing is reported, none is told.
with differences as (
    {%- for step in steps[1:] %}
    {%- set before = steps[loop.index0] %}
    select
        report_date,
        destination,
        event_name,
        currency,
        '{{ step }}' as step,
        coalesce({{ step }}_conversions - {{ before }}_conversions, 0) as conversions,
        coalesce({{ step }}_value - {{ before }}_value, 0) as value
    from {{ ref('reconciliation') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

causes as (
    select
        report_date,
        destination,
        event_name,
        currency,
        step,
        sum(conversions) as conversions,
        coalesce(sum(value), 0) as value
    from {{ ref('reconciliation_causes') }}
    group by 1, 2, 3, 4, 5
)

select
    differences.*,
    causes.conversions as explained_conversions,
    causes.value as explained_value
from differences
full outer join causes
    on
        differences.report_date = causes.report_date
        and differences.destination = causes.destination
        and differences.event_name = causes.event_name
        and differences.currency is not distinct from causes.currency
        and differences.step = causes.step
where
    coalesce(differences.conversions, 0) <> coalesce(causes.conversions, 0)
    or coalesce(differences.value, 0) <> coalesce(causes.value, 0)
