{# The network identifiers that a record (order, lead ...) or a click row may carry itself, in the landing contract's order. #}
{% macro network_identifiers() -%}
    {{ return([
        'gclid', 'gbraid', 'wbraid', 'dclid', 'fbclid', 'fbc', 'fbp', 'ga_client_id', 'ttclid', 'msclkid', 'li_fat_id',
        'twclid', 'epik', 'rdt_cid', 'sc_click_id', 'irclickid', 'cjevent', 'awc', 'ran_site_id', 'subid'
    ]) }}
{%- endmacro %}

{# All identifiers that a record may carry: those of an app's installation come with no click. #}
{% macro record_identifiers() -%}
    {{ return(network_identifiers() + ['device_id', 'appsflyer_id', 'adjust_id']) }}
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

{# Of them, those that at least one click carries in a column of its own; most deployments have them in landing URLs only. #}
{% macro given_identifiers() -%}
    {%- if not execute -%}{{ return(['gclid']) }}{%- endif -%}
    {%- set accepted = accepted_identifiers() -%}
    {%- set carried = network_identifiers() | select('in', accepted) | list -%}
    {%- if not carried -%}{{ return([]) }}{%- endif -%}
    {%- set found = [] -%}
    {%- for identifier in carried -%}
        {%- do found.append(
            'exists(select 1 from ' ~ source('raw', 'clicks') ~ ' where ' ~ identifier ~ ' is not null) as ' ~ identifier
        ) -%}
    {%- endfor -%}
    {%- set row = run_query('select ' ~ found | join(', ')).rows[0] -%}
    {%- set given = [] -%}
    {%- for identifier in carried if row[identifier] -%}{%- do given.append(identifier) -%}{%- endfor -%}
    {{ return(given) }}
{%- endmacro %}

{#
    [{parameter, identifier}] that marketing edits, as far as a route accepts the identifier: a constant pattern
    lets the engine read each landing URL once.
#}
{% macro click_id_parameters() -%}
    {%- if not execute -%}{{ return([{'parameter': 'gclid', 'identifier': 'gclid'}]) }}{%- endif -%}
    {%- set rows = run_query(
        'select parameter, identifier from ' ~ source('raw', 'click_id_parameters')
        ~ " where parameter is not null and parameter <> '' order by parameter"
    ).rows -%}
    {{ return(rows | selectattr('identifier', 'in', accepted_identifiers()) | list) }}
{%- endmacro %}
