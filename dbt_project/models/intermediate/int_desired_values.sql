-- What the destination should believe, given what it was told: the evaluation, then what was reported, then what the
-- receiver can be told. `pixel`: its own pixel told it, and it can adjust that.
with known as (
    select
        evaluations.*,
        reported.newest_revision,
        reported.newest_state,
        reported.newest_fingerprint,
        reported.reported_fingerprint,
        reported.reported_version,
        coalesce(reported.is_claimed, false) as is_claimed,
        case
            when reported.is_reported then 'ledger'
            when reported.is_claimed then 'undecided'
            when
                evaluations.is_suppressed
                and evaluations.adjusts_pixel
                and evaluations.reversed_amount > 0
                and not evaluations.is_held_out
                then 'pixel'
        end as told_by,
        case when reported.is_claimed then reported.reported_click_id else evaluations.matched_click_id end
            as told_click_id,
        (
            reported.is_claimed and evaluations.matched_click_id is distinct from reported.reported_click_id
        ) as is_told_click_gone,
        coalesce(reported.reported_value, case when evaluations.is_suppressed then evaluations.pixel_value end)
            as reported_value,
        coalesce(reported.reported_currency, evaluations.sent_currency) as reported_currency,
        case
            when evaluations.sent_currency = evaluations.currency then null
            when reported.is_claimed and reported.reported_rate is not null then reported.reported_rate
            when here.rate_to_base > 0 and there.rate_to_base > 0
                then {{ exchange_rate('here.rate_to_base', 'there.rate_to_base') }}
        end as exchange_rate,
        sent.minor_units as sent_minor_units
    from {{ ref('int_route_evaluations') }} as evaluations
    left join {{ ref('int_reported') }} as reported
        on
            evaluations.conversion_key = reported.conversion_key
            and evaluations.destination = reported.destination
    left join {{ ref('stg_currencies') }} as sent on evaluations.sent_currency = sent.currency
    left join {{ ref('int_rates_on_days') }} as here
        on
            evaluations.currency = here.currency
            and evaluations.rated_on = here.day
    left join {{ ref('int_rates_on_days') }} as there
        on
            evaluations.sent_currency = there.currency
            and evaluations.rated_on = there.day
),

wanted as (
    select
        *,
        case
            when sent_currency = currency then net_value
            when net_value = 0 then net_value
            when exchange_rate is not null then {{ exchanged('net_value', 'exchange_rate', 'sent_minor_units') }}
        end as sent_value,
        -- Only an explicit fact moves what was told: an order that merely stopped qualifying leaves it alone.
        status in ('qualified', 'partly_reversed', 'fully_reversed', 'cancelled', 'disqualified') as is_moved_by_facts,
        status in ('fully_reversed', 'cancelled', 'disqualified') as is_taken_back
    from known
),

final as (
    select
        *,
        case when is_moved_by_facts then sent_value end as wanted_value,
        case
            when reason_code in ('eligible', 'too_old') and sent_value is null then 'no_rate'
            else reason_code
        end as first_reason
    from wanted
)

select
    *,
    {{ adjustment_reason() }} as adjustment_reason
from final
