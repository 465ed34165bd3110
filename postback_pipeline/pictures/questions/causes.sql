-- Why one step has more or fewer conversions than the one before; each cause with its sentence, where it has one.
select
    causes.step,
    causes.cause,
    sum(causes.conversions)::bigint as conversions,
    sum(causes.value) as value,
    -- Of a whole group, what the braces stand for has no one value.
    regexp_replace(any_value(cause_codes.explanation), '\{\w+\}', '…', 'g') as sentence
from metrics.reconciliation_causes as causes
left join metrics.cause_codes on causes.cause = cause_codes.cause
where
    causes.destination = $destination
    and causes.event_name = $event
    and causes.currency = $currency
    and causes.report_date between $from and $to
group by causes.step, causes.cause
order by abs(sum(causes.conversions)) desc, abs(sum(causes.value)) desc, causes.cause
