{# An instant so many hours (may be fractional, may be null: then null) later. #}
{% macro add_hours(instant, hours) -%}
    {{ return(adapter.dispatch('add_hours', 'postback_pipeline')(instant, hours)) }}
{%- endmacro %}

{% macro default__add_hours(instant, hours) -%}
    make_timestamptz(epoch_us({{ instant }}) + cast(({{ hours }}) * 3600000000 as bigint))
{%- endmacro %}

{% macro spark__add_hours(instant, hours) -%}
    timestampadd(second, cast(({{ hours }}) * 3600 as int), {{ instant }})
{%- endmacro %}

{# Seconds from one instant to a later one. #}
{% macro seconds_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'second') }}
{%- endmacro %}

{# The source time of an order that a definition names; one that is not known yet falls back to the time of the order. #}
{% macro source_time(column, orders) -%}
    coalesce(
        case {{ column }}
            when 'paid_at' then {{ orders }}.paid_at
            when 'shipped_at' then {{ orders }}.shipped_at
            when 'updated_at' then {{ orders }}.updated_at
        end,
        {{ orders }}.ordered_at
    )
{%- endmacro %}

{# The instant that Meta's `fbc` cookie carries (`fb.1.<milliseconds>.<fbclid>`); null where it carries none. #}
{% macro instant_in_fbc(fbc) -%}
    {{ return(adapter.dispatch('instant_in_fbc', 'postback_pipeline')(fbc)) }}
{%- endmacro %}

{% macro default__instant_in_fbc(fbc) -%}
    to_timestamp(try_cast(split_part({{ fbc }}, '.', 3) as bigint) / 1000)
{%- endmacro %}

{% macro spark__instant_in_fbc(fbc) -%}
    timestamp_millis(try_cast(split_part({{ fbc }}, '.', 3) as bigint))
{%- endmacro %}

{# The first of several instants that lies after `as_of`: when a decision may change although nothing comes in. #}
{% macro next_change(instants) -%}
    least(
        {%- for instant in instants %}
        case when {{ instant }} > as_of then {{ instant }} end{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# An instant for people: `2026-01-31 09:00:00 UTC`. #}
{% macro utc_text(instant) -%}
    {{ return(adapter.dispatch('utc_text', 'postback_pipeline')(instant)) }}
{%- endmacro %}

{% macro default__utc_text(instant) -%}
    strftime(timezone('UTC', {{ instant }}), '%Y-%m-%d %H:%M:%S UTC')
{%- endmacro %}

{% macro spark__utc_text(instant) -%}
    concat(date_format({{ instant }}, 'yyyy-MM-dd HH:mm:ss'), ' UTC')
{%- endmacro %}
