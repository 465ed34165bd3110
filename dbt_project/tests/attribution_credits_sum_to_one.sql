{{ config(meta={'dagster': {'ref': {'name': 'attribution_credits'}}}) }}

-- Under each rule the credits of a conversion sum to one: no conversion is counted twice or lost between clicks. Looks
-- at what this build computed.
{%- set rules = ['first_touch', 'last_touch', 'linear', 'time_decay', 'position_based'] %}

select
    conversion_key
    {%- for rule in rules %},
    sum({{ rule }}) as {{ rule }}
    {%- endfor %}
from {{ ref('attribution_credits') }}
where {{ key_in_scope() }}
group by 1
having
    {%- for rule in rules %}
    abs(sum({{ rule }}) - 1) > 0.000001
    {{ 'or' if not loop.last }}
    {%- endfor %}
