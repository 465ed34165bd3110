{{ config(meta={'dagster': {'ref': {'name': 'attribution_credits'}}}) }}

-- Under each rule the credits of a conversion sum to one: no conversion is counted twice or lost between clicks. Looks
-- at some of what this build computed: the view is made for one conversion at a time, and all of it takes long.
{%- set some_keys %}
    select conversion_key from {{ ref('int_touchpoints') }}
    where {{ key_in_scope() }}
    limit 200
{%- endset %}
{%- set sample = run_query(some_keys).columns[0].values() | unique if execute else [] %}

with summed as (
    select
        conversion_key,
        sum(first_touch) as first_touch,
        sum(last_touch) as last_touch,
        sum(linear) as linear,
        sum(time_decay) as time_decay,
        sum(position_based) as position_based
    from {{ ref('attribution_credits') }}
    where conversion_key in (''{% for key in sample %}, '{{ key | replace("'", "''") }}'{% endfor %})
    group by 1
)

select * from summed
where
    greatest(
        abs(first_touch - 1), abs(last_touch - 1), abs(linear - 1), abs(time_decay - 1), abs(position_based - 1)
    ) > 0.000001
