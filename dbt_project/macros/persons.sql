{#
    The attributes of a person by which receivers of routes say that they match. Those that declare none take whatever is
    on record, and nothing is looked at for them.
#}
{% macro matching_attributes() -%}
    {%- if not execute -%}{{ return(['email']) }}{%- endif -%}
    {{ return(run_query(
        'select distinct declared.attribute from ' ~ source('raw', 'destination_person_attributes')
        ~ ' as declared inner join ' ~ source('raw', 'routes')
        ~ " as routes on declared.destination = routes.destination where routes.match_on <> 'click' order by 1"
    ).columns[0].values() | list) }}
{%- endmacro %}

{#
    Condition: an attribute of a person is not evidently malformed. Its hash in hex is fine, an e-mail address has a domain,
    a telephone number 4 to 15 digits after what dials abroad: some countries' own have no more than four. Receivers'
    adapters look closer: what they cannot use of this is refused there.
#}
{% macro is_usable_attribute(attribute, value) -%}
    {%- if attribute == 'email' -%}
    {{ matches_whole(value, '[0-9a-fA-F]{64}|\\s*[^@\\s]+@[^@\\s.]+(?:[.][^@\\s.]+)+\\s*') }}
    {%- elif attribute == 'phone' -%}
    {{ matches_whole(value, '[0-9a-fA-F]{64}|(?:\\P{Nd}*00)?(?:\\P{Nd}*\\p{Nd}){4,15}\\P{Nd}*') }}
    {%- else -%}
    trim({{ value }}) <> ''
    {%- endif -%}
{%- endmacro %}
