"""What each reason code of `marts.decisions` means, as a sentence for a person.

Belongs here: the sentences; `{...}` names columns of the decision. Does not belong here: which reason applies (dbt).
"""

from __future__ import annotations

from collections.abc import Mapping

from postback_pipeline.cli.output import readable

REASONS = {
    "eligible": "It passes every rule of the conversion and of the route.",
    "fully_reversed": "Refunds or chargebacks took back all of its value.",
    "cancelled": "The order's own status takes it back: cancelled or fraud.",
    "test_order": "It is a test order.",
    "not_qualified": "The order's status is not one that the conversion's definition lets qualify, or its qualifying"
    " time is not known yet.",
    "zero_value": "It is worth nothing, and its definition excludes such conversions.",
    "before_start": "The person acted before the route's start_at.",
    "after_end": "The person acted after the route's end_at.",
    "on_hold": "Its hold has not passed; it may be reported from {eligible_at} UTC on.",
    "no_match": "No click in the route's window, and nothing else that the route accepts, ties it to this destination.",
    "lost_to_other_route": "Another route of the same group won the conversion.",
    "consent_denied": "The person denied a purpose that the route needs.",
    "consent_unknown": "Consent to a purpose that the route needs is not on record.",
    "pixel_reported": "The destination's own pixel reported it already.",
    "too_old": "It is older than what the receiver takes.",
    "currency_changed": "Its currency is another one than what was reported, which no adjustment can say.",
    "reversals_not_sent": "The route does not send reversals.",
    "unsupported_reversal": "The receiver cannot be told such a change.",
    "adjustment_too_late": "The receiver takes no adjustments to an event this old.",
    "source_gone": "Its source row is no longer there. Absence is never a reversal, so what was reported stays.",
    "route_gone": "No route wants it any more. What was reported stays.",
}


def explain(decision: Mapping[str, object]) -> str:
    """The sentence for one row of `marts.decisions`; the code itself where there is none."""
    code = str(decision["reason_code"])
    return REASONS.get(code, code).format_map({name: readable(value) for name, value in decision.items()})
