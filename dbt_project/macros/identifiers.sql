{# The network identifiers that a record (order, lead ...) or a click row may carry itself, in the landing contract's order. #}
{% macro record_identifiers() -%}
    {{ return([
        'gclid', 'gbraid', 'wbraid', 'dclid', 'fbclid', 'fbc', 'fbp', 'ga_client_id', 'ttclid', 'msclkid', 'li_fat_id',
        'twclid', 'epik', 'rdt_cid', 'sc_click_id', 'irclickid', 'cjevent', 'awc', 'ran_site_id', 'subid'
    ]) }}
{%- endmacro %}

{# The attributes of a person that a receiver may want; they reach the rendered postback only. #}
{% macro person_attributes() -%}
    {{ return([
        'email', 'phone', 'first_name', 'last_name', 'city', 'region', 'postal_code', 'country', 'ip', 'user_agent',
        'page_url'
    ]) }}
{%- endmacro %}

{#
    The identifiers that at least one route accepts, read when a model runs: what nobody wants is not parsed. Parsing has
    no warehouse, so it sees two.
#}
{% macro accepted_identifiers() -%}
    {%- if not execute -%}{{ return(['gclid', 'fbc']) }}{%- endif -%}
    {%- set accepted = [] -%}
    {%- for row in run_query('select distinct identifiers from ' ~ source('raw', 'routes')).rows -%}
        {%- do accepted.extend(row['identifiers'].split('|')) -%}
    {%- endfor -%}
    {{ return(accepted | reject('equalto', '') | unique | sort | list) }}
{%- endmacro %}

{#
    [{parameter, identifier}] that marketing edits, as far as a route accepts the identifier: constant patterns let the
    engine scan each landing URL once.
#}
{% macro click_id_parameters() -%}
    {%- if not execute -%}{{ return([{'parameter': 'gclid', 'identifier': 'gclid'}]) }}{%- endif -%}
    {%- set rows = run_query(
        'select parameter, identifier from ' ~ source('raw', 'click_id_parameters')
        ~ " where parameter is not null and parameter <> '' order by parameter"
    ).rows -%}
    {{ return(rows | selectattr('identifier', 'in', accepted_identifiers()) | list) }}
{%- endmacro %}

{#
    The value of one query parameter of a URL, decoded once; null where it is absent or empty. Splitting costs a tenth of
    a pattern; behind `?` or `&`, so that `xgclid` is no gclid.
#}
{% macro url_parameter(url, parameter) -%}
    nullif(
        url_decode(
            split_part(
                split_part(
                    case
                        when contains({{ url }}, '?{{ parameter }}=') then split_part({{ url }}, '?{{ parameter }}=', 2)
                        else split_part({{ url }}, '&{{ parameter }}=', 2)
                    end,
                    '&', 1
                ),
                '#', 1
            )
        ),
        ''
    )
{%- endmacro %}

{#
    Rows (columns, identifier, identifier_value) of clicks: one per identifier that a route accepts and that the click's
    landing URL or its own column carries. A value may come twice, from both.
#}
{% macro click_identifier_rows(clicks, columns) -%}
    {%- set given = record_identifiers() | select('in', accepted_identifiers()) | list -%}
    {%- for row in click_id_parameters() %}
    select
        {{ columns | join(', ') }},
        '{{ row['identifier'] }}' as identifier,
        {{ url_parameter('landing_url', row['parameter']) }} as identifier_value
    from {{ clicks }}
    where
        contains(landing_url, '{{ row['parameter'] }}=')
        and {{ url_parameter('landing_url', row['parameter']) }} is not null
    union all
    {%- endfor %}
    {%- for identifier in given %}
    select
        {{ columns | join(', ') }},
        '{{ identifier }}' as identifier,
        {{ identifier }} as identifier_value
    from {{ clicks }}
    where {{ identifier }} is not null
    union all
    {%- endfor %}
    select
        {{ columns | join(', ') }},
        cast(null as varchar) as identifier,
        cast(null as varchar) as identifier_value
    from {{ clicks }}
    where false
{%- endmacro %}

{# The event id that the receiver's tag uses for a source id; null where the route names no template. #}
{% macro event_id(template, source_id) -%}
    nullif(
        replace(replace(replace(
            {{ template }}, '{order_id}', {{ source_id }}), '{source_id}', {{ source_id }}
        ), '{transaction_id}', {{ source_id }}),
        ''
    )
{%- endmacro %}

{# Condition: an event id may have been made by the template, which names exactly one placeholder. #}
{% macro fits_template(template, event_id) -%}
    {{ template }} <> ''
    and starts_with({{ event_id }}, split_part({{ template }}, '{', 1))
    and ends_with({{ event_id }}, split_part({{ template }}, '}', 2))
{%- endmacro %}

{# The source id that the template made an event id of. #}
{% macro id_of_event(template, event_id) -%}
    substr(
        {{ event_id }},
        length(split_part({{ template }}, '{', 1)) + 1,
        length({{ event_id }}) - length(split_part({{ template }}, '{', 1)) - length(split_part({{ template }}, '}', 2))
    )
{%- endmacro %}
