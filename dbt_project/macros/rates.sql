{# For each day of the relation `days` (column `day`): each currency's newest rate, at most a week old. None is guessed. #}
{% macro rates_on(days) -%}
    select
        currency,
        day,
        rate_to_base
    from (
        select
            rates.currency,
            asked.day,
            rates.rate_to_base,
            row_number() over (partition by rates.currency, asked.day order by rates.rated_on desc) as pick
        from {{ days }} as asked
        inner join (
            select
                *,
                row_number() over (
                    partition by currency, rated_on order by seen desc, row_hash desc, file_row desc
                ) as recency
            from {{ ref('stg_fx_rates') }}
        ) as rates
            on
                asked.day >= rates.rated_on
                and asked.day < rates.rated_on + 7
        where rates.recency = 1
    ) as ranked
    where pick = 1
{%- endmacro %}

{# `value` of a day in another currency by the rates of that day; null where one is not known. Zero is zero in all. #}
{% macro exchanged_by(value, currency, here, other_currency, there, minor_units) -%}
    case
        when {{ currency }} = {{ other_currency }} or {{ value }} = 0 then {{ value }}
        when {{ here }}.rate_to_base > 0 and {{ there }}.rate_to_base > 0
            then {{ exchanged(value, exchange_rate(here ~ '.rate_to_base', there ~ '.rate_to_base'), minor_units) }}
    end
{%- endmacro %}
