-- The closed list of `reconciliation_causes.cause`: the reasons of decisions, and what only shows on the way.
select
    reason_code as cause,
    case
        when reason_code in ('no_rate', 'currency_changed') then 'currency'
        when reason_code in ('lost_to_other_route') then 'other_route'
        when reason_code in ('adjustment_too_late') then 'late'
        when category = 'unmatched' then 'no_identifier'
        when category = 'consent' then 'no_consent'
        when category = 'deduplicated' then 'duplicate'
        when category = 'waiting' then 'hold'
        when category = 'kept' then 'kept_as_reported'
        else category
    end as cause_group,
    sentence as explanation
from {{ ref('reason_codes') }}
union all
select
    causes.cause,
    causes.cause_group,
    causes.explanation
from (
    values
    ('over_refund', 'over_refund', 'Refunds took back more than it was worth; only what it was worth counts.'),
    ('told_earlier', 'told_earlier', 'It passed this step before; today it would not have passed the one before.'),
    ('not_yet_enqueued', 'in_flight', 'It is due, and waits for the next enqueue.'),
    ('pending', 'in_flight', 'It is written down and waits to be sent.'),
    ('held', 'in_flight', 'It is written down and waits: for its time, or for what it adjusts.'),
    ('sending', 'in_flight', 'It is being sent.'),
    ('retry', 'in_flight', 'It was not taken at the first attempt and is tried again.'),
    ('unknown', 'in_flight', 'It may have arrived; the next attempt, or a person, will tell.'),
    ('parked', 'parked', 'Only a person can tell whether the receiver has it.'),
    ('expired', 'expired', 'The receiver takes it no more: its time is over, or the attempts are spent.'),
    ('rejected', 'rejected', 'The receiver said no for good; `code` says why.'),
    ('superseded', 'in_flight', 'A newer total took its place before it left.'),
    ('withdrawn', 'withdrawn', 'It was withdrawn before it left.'),
    ('adjustment_under_way', 'in_flight', 'Another amount is accepted or processed already; the newest is not yet.'),
    ('not_yet_processed', 'in_flight', 'The receiver took it and has not yet said what became of it.'),
    ('unconfirmed', 'unconfirmed', 'The receiver took it, and never said what became of it.'),
    ('time_zone_shift', 'time_zone_shift', 'The report names another zone than the settings: there its day differs.'),
    ('attribution_window', 'attribution_window', 'Its click is older than the longest window of the report.'),
    ('currency', 'currency', 'The platform reports it in its own currency: by the rates of the day it is worth that.'),
    ('unexplained', 'unexplained', 'No cause is known.')
) as causes (cause, cause_group, explanation)
