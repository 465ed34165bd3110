{#
    value * numerator / denominator, rounded half up to the currency's minor unit, as decimal(18, 4).
    In whole ten-thousandths all the way: a division of decimals would return a double.
    All three are decimal(18, 4); denominator must not be zero; value and numerator not negative.
#}
{% macro money(value, minor_units, numerator=none, denominator=none) -%}
    {{ return(adapter.dispatch('money', 'postback_pipeline')(value, minor_units, numerator, denominator)) }}
{%- endmacro %}

{% macro default__money(value, minor_units, numerator, denominator) -%}
    {%- set quantum -%}
        case {{ minor_units }} when 0 then 10000 when 1 then 1000 when 2 then 100 when 3 then 10 else 1 end
    {%- endset -%}
    {%- set product = ten_thousandths(value) -%}
    {%- set divisor = quantum -%}
    {%- if numerator is not none -%}
        {%- set product = product ~ ' * ' ~ ten_thousandths(numerator) -%}
        {%- set divisor = '(' ~ ten_thousandths(denominator) ~ ' * ' ~ quantum ~ ')' -%}
    {%- endif -%}
    cast(
        cast(
            ((2 * {{ product }} + {{ divisor }}) // (2 * {{ divisor }})) * {{ quantum }} as decimal(28, 0)
        ) * 0.0001 as decimal(18, 4)
    )
{%- endmacro %}

{# A decimal(18, 4) as a whole number of ten-thousandths. #}
{% macro ten_thousandths(value) -%}
    cast(cast({{ value }} as decimal(18, 4)) * 10000 as hugeint)
{%- endmacro %}

{# Names a belief: equal value and currency, equal text. The ledger compares it, nothing takes it apart. #}
{% macro fingerprint(value, currency) -%}
    (cast(cast({{ value }} as decimal(18, 4)) as varchar) || ' ' || {{ currency }})
{%- endmacro %}

{# A share as a double, null where there is nothing to divide by. #}
{% macro ratio(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}

{# How many units of one currency a unit of another is worth, from both rates to the base, as decimal(28, 12), cut off. #}
{% macro exchange_rate(rate_from, rate_to) -%}
    cast(
        (cast(cast({{ rate_from }} as decimal(28, 12)) * 1000000000000 as hugeint) * 1000000000000)
        // cast(cast({{ rate_to }} as decimal(28, 12)) * 1000000000000 as hugeint) * 0.000000000001 as decimal(28, 12)
    )
{%- endmacro %}

{# value * rate, rounded half up to the minor unit of the currency it comes out in, as decimal(18, 4). #}
{% macro exchanged(value, rate, minor_units) -%}
    {%- set quantum -%}
        case {{ minor_units }} when 0 then 10000 when 1 then 1000 when 2 then 100 when 3 then 10 else 1 end
    {%- endset -%}
    cast(
        cast(
            (
                (
                    2 * {{ ten_thousandths(value) }}
                    * cast(cast({{ rate }} as decimal(28, 12)) * 1000000000000 as hugeint)
                    + {{ quantum }} * cast(1000000000000 as hugeint)
                )
                // (2 * {{ quantum }} * cast(1000000000000 as hugeint))
            ) * {{ quantum }} as decimal(28, 0)
        ) * 0.0001 as decimal(18, 4)
    )
{%- endmacro %}
