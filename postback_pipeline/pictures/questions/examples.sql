-- Conversions whose decision, or newest state, is this cause, the newest first.
select
    steps.conversion_key,
    steps.decision,
    steps.reason_code,
    steps.newest_state,
    steps.occurred_at
from intermediate.int_reconciliation_steps as steps
where
    steps.destination = $destination
    and steps.event_name = $event
    and steps.currency = $currency
    and steps.report_date between $from and $to
    and case $step
        when 'eligible' then steps.is_backend and not steps.is_eligible and steps.reason_code = $cause
        when 'enqueued' then
            steps.is_eligible and not steps.is_enqueued
            and case when steps.decision = 'report' then 'not_yet_enqueued' else steps.reason_code end = $cause
        when 'sent' then steps.is_enqueued and not steps.is_sent and steps.newest_state = $cause
        when 'accepted' then
            (steps.is_sent and not steps.is_accepted and steps.newest_state = $cause)
            or (steps.is_accepted and steps.believed_value <> steps.worth and steps.reason_code = $cause)
        else false
    end
order by steps.occurred_at desc
limit 50
