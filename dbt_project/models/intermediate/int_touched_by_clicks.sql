{#- Conversions of the last build that a new, changed or removed click may concern. -#}
{%- set keys = ['click_id', 'session_id', 'cart_id', 'user_id'] -%}
{%- if builds_everything() %}
select cast(null as varchar) as conversion_key
where false
{%- else %}
with new_clicks as (
    select * from {{ ref('stg_clicks') }}
    where {{ is_new() }}
),

changed as (
    select * from {{ ref('int_changed_clicks') }}
),

new_identifiers as (
    select
        {{ carried_identifier('carried') }} as identifier,
        {{ carried_value('carried') }} as identifier_value
    from (select {{ exploded(carried_by_click('new_clicks')) }} as carried from new_clicks) as clicks
),

final as (
    {%- for key in keys %}
    select conversion_key from {{ built('marts', 'conversions') }}
    where {{ key }} in (select {{ key }} from changed)
    union
    {%- endfor %}
    -- As it was matched before the click changed or went.
    select conversion_key from {{ built('intermediate', 'int_touchpoints') }}
    where click_id in (select click_id from changed)
    union
    -- A stored identifier may have found its click.
    select records.conversion_key
    from {{ built('intermediate', 'int_record_identifiers') }} as records
    inner join new_identifiers
        on
            records.identifier = new_identifiers.identifier
            and records.identifier_value = new_identifiers.identifier_value
    union
    select conversion_key from {{ built('intermediate', 'int_record_identifiers') }}
    where click_id in (select click_id from changed)
)

select * from final
{%- endif %}
