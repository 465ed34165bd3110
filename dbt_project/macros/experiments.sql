{#
    A unit of an experiment, and whether it is held out: by the experiment's salt and the unit's own id, by nothing else. The
    hash is md5 on every adapter, and compared as text, so that it is the same wherever and whenever it is computed.
#}
{% macro experiment_unit(salt, unit_id) -%}
    {{ dbt.hash(salt ~ " || ':' || " ~ unit_id) }}
{%- endmacro %}

{% macro is_held_out_unit(unit, held_below) -%}
    substr({{ unit }}, 1, 8) < {{ held_below }}
{%- endmacro %}

{# As long before the start of an experiment as it lasts: from then on its units are looked at. #}
{% macro before_start(experiments) -%}
    {%- set hours = dbt.datediff(experiments ~ '.start_at', experiments ~ '.end_at', 'hour') -%}
    {{ add_hours(experiments ~ '.start_at', '-1 * ' ~ hours) }}
{%- endmacro %}

{#
    One row per record of every entity: `user_id` and `region` of its first version, by the source's own time where it has
    one, so that a rebuild from the same rows finds the same. An event of a subscription takes what it does not say itself
    from the events before it, never from one after it. Empty without experiments: nothing is looked up then.
#}
{% macro first_records(scoped) -%}
    {%- set times = {'orders': 'updated_at', 'leads': 'status_at'} -%}
    {%- for entity, id in source_ids().items() %}
    {%- set of_subscriptions = entity == 'subscription_events' %}
    select
        '{{ entity }}' as source_entity,
        {{ id }} as source_id,
        {%- for column, value in [('user_id', 'user_id'), ('region', 'lower(trim(region))')] %}
        {%- if of_subscriptions %}
        last_value({{ value }} ignore nulls) over (
            partition by subscription_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as {{ column }}{{ ',' if not loop.last }}
        {%- else %}
        {{ value }} as {{ column }}{{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    from (
        select
            *,
            row_number() over (
                partition by {{ id }}
                order by {{ times[entity] ~ ' asc nulls first,' if entity in times }} seen, row_hash, file_row
            ) as version
        from {{ ref('stg_' ~ entity) }}
        where
            exists (select 1 from {{ ref('stg_experiments') }})
            {%- if scoped and of_subscriptions %}
            and subscription_id in (
                select subscription_id from {{ ref('stg_subscription_events') }}
                where {{ in_scope(entity, id) }}
            )
            {%- elif scoped %}
            and {{ in_scope(entity, id) }}
            {%- endif %}
    ) as versions
    where version = 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
