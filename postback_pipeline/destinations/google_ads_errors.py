"""What the codes of the Google Ads API mean for a conversion or an adjustment.

Belongs here: the errors of ConversionUploadService and ConversionAdjustmentUploadService, of single rows and of whole
requests. Does not belong here: what is sent (`google_ads`).
Source: google/ads/googleads/v25/errors in github.com/googleapis/googleapis.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from postback_pipeline.destinations.base import Reading, Reply, Verdict
from postback_pipeline.destinations.google_errors import details_of, dicts_in, enum_name, whole_request
from postback_pipeline.destinations.json_body import index_of
from postback_pipeline.model import Kind

#: Codes after which the same message is taken later, and how much later. Unverified for CONVERSION_NOT_FOUND: that one
#: which was uploaded a moment ago is found after so long.
NOT_YET = {
    "TOO_RECENT_EVENT": timedelta(hours=6),
    "TOO_RECENT_CONVERSION_ACTION": timedelta(hours=6),
    "TOO_RECENT_CONVERSION": timedelta(hours=24),
    "CONVERSION_NOT_FOUND": timedelta(hours=6),
}
#: Codes for what Google has already: of a conversion, of adjustments.
KNOWN = {
    "ORDER_ID_ALREADY_IN_USE": {Kind.CONVERSION},
    "CLICK_CONVERSION_ALREADY_EXISTS": {Kind.CONVERSION},
    "CONVERSION_ALREADY_RETRACTED": {Kind.RETRACTION},
    "RESTATEMENT_ALREADY_EXISTS": {Kind.RESTATEMENT},
}
#: Neither of the two was processed: they leave again, hardly in one request.
TWICE_IN_REQUEST = frozenset(
    {"DUPLICATE_ORDER_ID", "DUPLICATE_CLICK_CONVERSION_IN_REQUEST", "DUPLICATE_ADJUSTMENT_IN_REQUEST"}
)
#: Codes that only a person can put right, in the account or in a route.
SET_UP = frozenset(
    {
        "NO_CONVERSION_ACTION_FOUND",
        "INVALID_CONVERSION_ACTION_TYPE",
        "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS",
        "CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS",
        "CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS",
        "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
        "ACCESS_PROHIBITED",
    }
)
#: Families of errors that are about who sends, and those that pass by themselves. Unverified as a division.
SENDERS = frozenset({"authenticationError", "authorizationError", "headerError", "notAllowlistedError"})
PASSING = frozenset({"quotaError", "internalError"})


def errors_of(status: object) -> list[dict[str, Any]]:
    """All errors of the `GoogleAdsFailure` in the details of a status."""
    return [error for failure in details_of(status, ".GoogleAdsFailure") for error in dicts_in(failure.get("errors"))]


def verdicts_by_row(errors: Sequence[dict[str, Any]], kinds: Sequence[Kind]) -> dict[int, Verdict]:
    """Row -> the verdict of its first error; errors that name no row are left out."""
    named: dict[int, Verdict] = {}
    for error in errors:
        location = error.get("location")
        path = dicts_in(location.get("fieldPathElements")) if isinstance(location, dict) else []
        index = index_of(path[0].get("index"), len(kinds)) if path else None
        if index is not None and index not in named:
            named[index] = _meaning(error, kinds[index])
    return named


def _meaning(error: dict[str, Any], kind: Kind) -> Verdict:
    code = error.get("errorCode")
    family, value = next(iter(code.items()), ("", "")) if isinstance(code, dict) else ("", "")
    name = enum_name(value) or "GoogleAdsFailure"
    if kind in KNOWN.get(name, ()):
        return Verdict(Reading.DUPLICATE, name)
    if name in NOT_YET:
        return Verdict(Reading.RETRY, name, wait=NOT_YET[name])
    if name in SET_UP or family in SENDERS:
        return Verdict(Reading.CONFIGURATION, name)
    if name in TWICE_IN_REQUEST or family in PASSING:
        return Verdict(Reading.RETRY, name)
    return Verdict(Reading.REJECTED, name)


def refusals(reply: Reply, error: object, kinds: Sequence[Kind]) -> list[Verdict]:
    """A request that was refused as a whole. Where rows are to blame the others leave again without them."""
    errors = errors_of(error)
    if not errors or reply.status not in (400, 401, 403, 404, 429):
        return [whole_request(reply, error)] * len(kinds)
    named = verdicts_by_row(errors, kinds)
    if named:
        return [named.get(index, Verdict(Reading.RETRY, "refused with others")) for index in range(len(kinds))]
    meaning = _meaning(errors[0], kinds[0])
    if meaning.reading is Reading.REJECTED:
        meaning = Verdict(Reading.REJECTED, meaning.reason, on_request=True)
    return [meaning] * len(kinds)
