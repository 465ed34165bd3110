{# The network identifiers that a record (order, lead ...) may carry itself, in the landing contract's order. #}
{% macro record_identifiers() -%}
    {{ return([
        'gclid', 'gbraid', 'wbraid', 'fbclid', 'fbc', 'fbp', 'ga_client_id', 'ttclid', 'msclkid', 'li_fat_id',
        'twclid', 'epik', 'rdt_cid', 'sc_click_id', 'irclickid', 'cjevent', 'awc', 'subid'
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
    [{parameter, identifier}] that marketing edits, read when a model runs: constant patterns let the engine scan each
    landing URL once. Parsing has no warehouse, so it sees none.
#}
{% macro click_id_parameters() -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set rows = run_query(
        'select parameter, identifier from ' ~ source('raw', 'click_id_parameters') ~ ' order by parameter'
    ) -%}
    {{ return(rows.rows) }}
{%- endmacro %}

{#
    The value of one query parameter of a URL, decoded once; null where it is absent or empty.
    The plain `contains` in front of the pattern costs a fraction of the pattern: most URLs carry one click id.
#}
{% macro url_parameter(url, parameter) -%}
    case
        when contains({{ url }}, '{{ parameter }}=')
            then nullif(url_decode(regexp_extract({{ url }}, '[?&]{{ parameter }}=([^&#]*)', 1)), '')
    end
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
