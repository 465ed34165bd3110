{# The purposes that the landing contract knows. #}
{% macro consent_purposes() -%}
    {{ return(['ad_user_data', 'ad_personalization', 'analytics']) }}
{%- endmacro %}

{#
    A column per purpose: whether a list asks for it. Selected from the routes themselves, so that lists are read once per
    route and not once per conversion.
#}
{% macro asked_purposes(list) -%}
    {%- for purpose in consent_purposes() %}
    {{ in_list("'" ~ purpose ~ "'", list) }} as asks_{{ purpose }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The worst state among the purposes that a route asks for: denied, unknown, granted; `not_required` where it asks for none. #}
{% macro consent_state(routes, consents) -%}
    case
        when {{ routes }}.consent_purposes = '' then 'not_required'
        {%- for state in ['denied', 'unknown'] %}
        when
            {%- for purpose in consent_purposes() %}
            {{ routes }}.asks_{{ purpose }}
            and coalesce({{ consents }}.{{ purpose }}, 'unknown') = '{{ state }}'
            {{ 'or' if not loop.last }}
            {%- endfor %}
            then '{{ state }}'
        {%- endfor %}
        else 'granted'
    end
{%- endmacro %}

{# What a route makes of a consent state: block, strip or flag. #}
{% macro consent_policy(state, routes) -%}
    case {{ state }}
        when 'denied' then {{ routes }}.consent_denied
        when 'unknown' then {{ routes }}.consent_unknown
        else 'flag'
    end
{%- endmacro %}

{#
    Whether a route that may strip accepts an identifier that no network issued, read when a model runs: where none does,
    nobody's consent bears on attribution.
#}
{% macro strips_identifiers() -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set issued = click_id_parameters() | map(attribute='identifier') | list -%}
    {%- set stripping = run_query(
        'select distinct identifiers from ' ~ source('raw', 'routes') ~ " where consent_purposes <> ''"
        ~ " and match_on <> 'identity' and 'strip' in (consent_denied, consent_unknown)"
    ).columns[0].values() -%}
    {%- set accepted = (stripping | join('|')).split('|') -%}
    {{ return(accepted | reject('in', issued + ['']) | list | length > 0) }}
{%- endmacro %}

{# The records that the state rests on, per purpose that the route asks for; null where it asks for none or none is there. #}
{% macro consent_evidence(routes, consents) -%}
    case
        when {{ routes }}.consent_purposes <> '' then nullif(
            concat_ws(
                '; '
                {%- for purpose in consent_purposes() %},
                case
                    when {{ routes }}.asks_{{ purpose }} then
                        '{{ purpose }} ' || {{ consents }}.{{ purpose }} || ' ' || {{ consents }}.{{ purpose }}_record
                end
                {%- endfor %}
            ),
            ''
        )
    end
{%- endmacro %}

{# JSON object, as text: each purpose that the route asks for and its state. #}
{% macro consent_object(routes, consents) -%}
    case
        when {{ routes }}.consent_purposes = '' then '{}'
        else '{' || concat_ws(
            ','
            {%- for purpose in consent_purposes() %},
            case
                when {{ routes }}.asks_{{ purpose }}
                    then '"{{ purpose }}":"' || coalesce({{ consents }}.{{ purpose }}, 'unknown') || '"'
            end
            {%- endfor %}
        ) || '}'
    end
{%- endmacro %}
