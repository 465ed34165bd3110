-- Each fact in the currency of what it takes back, and what it takes of the gross amount in the order in which facts
-- apply: never more than is left. A won dispute gives back.
with exchanged as (
    select
        facts.*,
        case
            when not facts.is_known then 'awaiting_order'
            when facts.currency = facts.original_currency then 'applied'
            when coalesce(here.rate_to_base, 0) = 0 or coalesce(there.rate_to_base, 0) = 0 then 'no_rate'
            else 'applied'
        end as outcome,
        case
            when facts.currency = facts.original_currency then facts.amount
            else {{ exchanged(
                'facts.amount', exchange_rate('here.rate_to_base', 'there.rate_to_base'), 'currencies.minor_units'
            ) }}
        end as original_amount
    from {{ ref('int_reversal_facts') }} as facts
    left join {{ ref('stg_currencies') }} as currencies on facts.original_currency = currencies.currency
    left join {{ ref('int_rates_on_days') }} as here
        on
            facts.currency = here.currency
            and {{ utc_date('facts.reversed_at') }} = here.day
    left join {{ ref('int_rates_on_days') }} as there
        on
            facts.original_currency = there.currency
            and {{ utc_date('facts.reversed_at') }} = there.day
),

signed as (
    select
        *,
        case
            when outcome <> 'applied' then 0
            when kind = 'dispute_won' then -original_amount
            else original_amount
        end as signed_amount
    from exchanged
),

running as (
    select
        *,
        sum(signed_amount) over (
            partition by conversion_key
            order by reversed_at, reversal_id
            rows between unbounded preceding and current row
        ) as total_amount
    from signed
),

final as (
    select
        *,
        cast(
            least(greatest(total_amount, 0), coalesce(gross_amount, 0))
            - least(greatest(total_amount - signed_amount, 0), coalesce(gross_amount, 0))
            as decimal(18, 4)
        ) as applied_amount,
        cast(
            greatest(total_amount - coalesce(gross_amount, 0), 0)
            - greatest(total_amount - signed_amount - coalesce(gross_amount, 0), 0)
            as decimal(18, 4)
        ) as excess_amount
    from running
)

select * from final
