{# The calendar day of an instant in UTC. #}
{% macro utc_date(instant) -%}
    {{ return(adapter.dispatch('utc_date', 'postback_pipeline')(instant)) }}
{%- endmacro %}

{# Counted in microseconds: the calendar of a zone is much slower, and UTC needs none. #}
{% macro default__utc_date(instant) -%}
    cast(make_timestamp(epoch_us({{ instant }})) as date)
{%- endmacro %}

{% macro spark__utc_date(instant) -%}
    {{ local_date(instant, "'UTC'") }}
{%- endmacro %}

{# The calendar day of an instant on the wall clock of an IANA zone. #}
{% macro local_date(instant, zone) -%}
    {{ return(adapter.dispatch('local_date', 'postback_pipeline')(instant, zone)) }}
{%- endmacro %}

{% macro default__local_date(instant, zone) -%}
    cast(timezone({{ zone }}, {{ instant }}) as date)
{%- endmacro %}

{% macro spark__local_date(instant, zone) -%}
    cast(from_utc_timestamp({{ instant }}, {{ zone }}) as date)
{%- endmacro %}

{# The instant at which a calendar day begins on the wall clock of an IANA zone. #}
{% macro midnight(day, zone) -%}
    {{ return(adapter.dispatch('midnight', 'postback_pipeline')(day, zone)) }}
{%- endmacro %}

{% macro default__midnight(day, zone) -%}
    timezone({{ zone }}, cast({{ day }} as timestamp))
{%- endmacro %}

{% macro spark__midnight(day, zone) -%}
    to_utc_timestamp(cast({{ day }} as timestamp), {{ zone }})
{%- endmacro %}

{# In a select: one row per calendar day, both ends included; none where an end is null. #}
{% macro days_from_to(first_day, last_day) -%}
    {{ return(adapter.dispatch('days_from_to', 'postback_pipeline')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__days_from_to(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__days_from_to(first_day, last_day) -%}
    explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day))
{%- endmacro %}

{# Whether a text names a zone: files may hold anything, and an unknown zone is an error. #}
{% macro is_time_zone(zone) -%}
    {{ return(adapter.dispatch('is_time_zone', 'postback_pipeline')(zone)) }}
{%- endmacro %}

{% macro default__is_time_zone(zone) -%}
    {{ zone }} in (select name from pg_timezone_names())
{%- endmacro %}

{% macro spark__is_time_zone(zone) -%}
    {{ zone }} rlike '^([A-Z][A-Za-z]+/[A-Za-z_/]+|UTC)$'
{%- endmacro %}
