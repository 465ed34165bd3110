-- What the destination should believe, given what it was told: the evaluation, then what was reported, then what the
-- receiver can be told. `pixel`: its own pixel told it, and it can adjust that.
with known as (
    select
        evaluations.*,
        reported.newest_revision,
        reported.newest_state,
        reported.newest_fingerprint,
        reported.reported_fingerprint,
        coalesce(reported.is_claimed, false) as is_claimed,
        case
            when reported.is_reported then 'ledger'
            when reported.is_claimed then 'undecided'
            when evaluations.is_suppressed and evaluations.adjusts_pixel and evaluations.reversed_amount > 0
                then 'pixel'
        end as told_by,
        coalesce(reported.reported_value, case when evaluations.is_suppressed then evaluations.pixel_value end)
            as reported_value,
        coalesce(reported.reported_currency, evaluations.currency) as reported_currency
    from {{ ref('int_route_evaluations') }} as evaluations
    left join {{ ref('int_reported') }} as reported
        on
            evaluations.conversion_key = reported.conversion_key
            and evaluations.destination = reported.destination
),

wanted as (
    select
        *,
        -- Only an explicit fact moves what was told: an order that merely stopped qualifying leaves it alone.
        case
            when status in ('qualified', 'partly_reversed', 'fully_reversed', 'cancelled') then net_value
        end as wanted_value
    from known
),

final as (
    select
        *,
        case
            when wanted_value is null then reason_code
            when told_by = 'undecided' then 'eligible'
            when wanted_value = reported_value and reported_currency = currency
                then case when told_by = 'pixel' then 'pixel_reported' else reason_code end
            when reported_currency <> currency then 'currency_changed'
            when not send_reversals then 'reversals_not_sent'
            when status in ('fully_reversed', 'cancelled') and not takes_retraction then 'unsupported_reversal'
            when wanted_value > 0 and reported_value = 0 and not takes_reinstatement then 'unsupported_reversal'
            when status not in ('fully_reversed', 'cancelled') and not takes_restatement then 'unsupported_reversal'
            when as_of > adjustable_until then 'adjustment_too_late'
            when status = 'cancelled' then 'cancelled'
            when status = 'fully_reversed' then 'fully_reversed'
            else 'eligible'
        end as adjustment_reason
    from wanted
)

select * from final
