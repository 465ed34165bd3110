{{ config(materialized='table') }}

-- The closed list of `decisions.reason_code`. Words in braces are columns of the decision.
select
    reasons.reason_code,
    reasons.category,
    reasons.sentence
from (
    values
    ('eligible', 'told', 'It passes every rule of the conversion and of the route.'),
    ('fully_reversed', 'reversed', 'Refunds or chargebacks took back all of its value.'),
    ('cancelled', 'reversed', 'Its own status takes it back: cancelled or fraud.'),
    ('disqualified', 'reversed', 'The lead was disqualified after it had qualified.'),
    ('test_order', 'excluded', 'It is a test: the source says so, or a test rule of its definition does.'),
    ('not_qualified', 'excluded', 'Its status is not one that its definition lets qualify.'),
    ('zero_value', 'excluded', 'It is worth nothing, and its definition excludes such conversions.'),
    (
        'value_missing',
        'excluded',
        'Its value or currency is not known: the record has no currency, or its plan no value.'
    ),
    ('not_first', 'excluded', 'Its definition counts the first of each person, and an earlier one came first.'),
    ('before_start', 'excluded', 'The person acted before the start_at of the route.'),
    ('after_end', 'excluded', 'The person acted after the end_at of the route.'),
    ('on_hold', 'waiting', 'Its hold has not passed; it may be reported from {eligible_at} on.'),
    (
        'no_match',
        'unmatched',
        'No click from {window_start} on, and nothing else that the route accepts, ties it to this destination.'
    ),
    (
        'no_usable_identifier',
        'unmatched',
        'What ties it to this destination is malformed, of a kind by which the receiver cannot match, or may not leave.'
    ),
    ('lost_to_other_route', 'unmatched', 'Another route of the same group won the conversion.'),
    ('consent_denied', 'consent', 'The person denied a purpose that the route needs ({consent_record}).'),
    ('consent_unknown', 'consent', 'Consent to a purpose that the route needs is not on record.'),
    ('pixel_reported', 'deduplicated', 'The pixel of the destination reported it already (event {pixel_event_id}).'),
    (
        'holdout',
        'experiment',
        'Experiment {experiment} holds it out, to measure what telling does; it is never told, nor is its reversal.'
    ),
    ('too_old', 'late', 'It is older than what the receiver takes, which ended at {expires_at}.'),
    (
        'no_rate',
        'excluded',
        'No exchange rate from {source_currency} to {currency} of that day, or of the week before it, is known.'
    ),
    ('currency_changed', 'kept', 'Its currency is another one than what was reported, which no adjustment can say.'),
    (
        'definition_changed',
        'kept',
        'Its definition was edited since it was reported; an edited rule moves nothing that was told.'
    ),
    ('reversals_not_sent', 'kept', 'The route does not send reversals.'),
    ('unsupported_reversal', 'kept', 'The receiver cannot be told such a change.'),
    ('adjustment_too_late', 'kept', 'The receiver took adjustments to it until {expires_at} only.'),
    (
        'source_gone',
        'kept',
        'Its source row is no longer there. Absence is never a reversal, so what was reported stays.'
    ),
    ('route_gone', 'kept', 'No route wants it any more. What was reported stays.')
) as reasons (reason_code, category, sentence)
