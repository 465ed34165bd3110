{# Entities whose records may be conversions, each with the column that holds the source's own id. #}
{% macro source_ids() -%}
    {{ return({
        'orders': 'order_id', 'leads': 'lead_id', 'subscription_events': 'event_id', 'app_events': 'event_id',
        'pixel_events': 'event_id'
    }) }}
{%- endmacro %}

{# Who counts once under a definition that takes the first of each: hashed, null where every one counts or nobody is named. #}
{% macro first_identity(records, definitions) -%}
    md5(
        case {{ definitions }}.first_only_per
            when 'user_id' then {{ records }}.user_id
            when 'session_id' then {{ records }}.session_id
            when 'device_id' then {{ records }}.device_id
            when 'email' then nullif(lower(trim({{ records }}.email)), '')
            when 'phone' then nullif(regexp_replace({{ records }}.phone, '[^0-9]', '', 'g'), '')
        end
    )
{%- endmacro %}

{# Condition: the definition applies to a record by the time of the act. #}
{% macro in_effect(definitions, action_at) -%}
    {{ definitions }}.effective_from <= {{ action_at }}
    and ({{ definitions }}.effective_until is null or {{ action_at }} < {{ definitions }}.effective_until)
{%- endmacro %}

{#
    Whether one of the definitions' own rules calls a record a test. The rules are read when a model runs, as constants:
    most definitions have none, and then nothing is compared. `columns`: what of the rules' fields the record has.
#}
{% macro matches_test_rule(records, definitions, columns, source_id) -%}
    {%- set rules = [] -%}
    {%- if execute -%}
        {%- set rules = run_query(
            'select definition_version, field, pattern from ' ~ source('raw', 'test_order_rules') ~ ' order by all'
        ).rows -%}
    {%- endif -%}
    coalesce(
        false
        {%- for rule in rules if rule['field'] in columns or rule['field'] == 'source_id' %}
        or (
            {{ definitions }}.definition_version = '{{ rule['definition_version'] }}'
            and lower({{ records }}.{{ source_id if rule['field'] == 'source_id' else rule['field'] }})
            like {{ quoted(rule['pattern']) }} escape {{ quoted('\\') }}
        )
        {%- endfor %},
        false
    )
{%- endmacro %}

{# Whether a record names anybody or anything that a click may share. #}
{% macro has_identity(records) -%}
    coalesce({{ records }}.click_id, {{ records }}.session_id, {{ records }}.cart_id, {{ records }}.user_id) is not null
{%- endmacro %}
