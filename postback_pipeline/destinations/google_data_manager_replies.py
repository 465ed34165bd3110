"""What the Data Manager API answers: to events at once, and later about what became of them.

Belongs here: reading `events:ingest` and `requestStatus:retrieve`. Does not belong here: what is sent
(`google_data_manager`). Sources: error.proto, processing_errors.proto and request_status_per_destination.proto of
google/ads/datamanager/v1 in github.com/googleapis/googleapis, and "Understand API errors" of the developers' guide.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from postback_pipeline.destinations.base import LaterVerdict, Reading, Reply, Verdict
from postback_pipeline.destinations.google_errors import details_of, dicts_in, enum_name, whole_request
from postback_pipeline.destinations.json_body import json_of
from postback_pipeline.model import Later

#: Reasons that only a person can put right, in the account or in a route. Unverified as a list.
SET_UP = frozenset(
    {
        "DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS",
        "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
        "DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS",
        "DESTINATION_ACCOUNT_TYPE_MISMATCH",
        "EVENT_SOURCE_AND_DESTINATION_MISMATCH",
        "INVALID_CONVERSION_ACTION_ID",
        "INVALID_CONVERSION_ACTION_TYPE",
        "INVALID_DESTINATION",
        "NOT_ALLOWLISTED",
        "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
        "PERMISSION_DENIED",
        "TERMS_AND_CONDITIONS_NOT_SIGNED",
    }
)
#: Reasons after which the same request is taken later, and how much later. Unverified: the Google Ads API says so.
NOT_YET = {"CONVERSION_ACTION_TOO_RECENTLY_CREATED": timedelta(hours=6)}
#: Reasons by which Google has the conversion already, perhaps from an attempt whose fate we do not know.
KNOWN = frozenset({"DUPLICATE_TRANSACTION_ID", "DUPLICATE_GCLID"})
_SET_UP_CUT = frozenset(name[:60] for name in SET_UP)

#: Of the path of a field, as in `events.events[3].user_data`.
_EVENT = re.compile(r"\bevents\[([0-9]{1,6})\]")
_PREFIX = re.compile(r"PROCESSING_ERROR_(?:REASON_)?")
_RECEIPT = re.compile(r"[!-~]{1,200}")


def verdicts(reply: Reply, count: int, *, validated: bool) -> list[Verdict]:
    """One per event of a request; `validated`: it was only looked at."""
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    if reply.status == 200:
        return [_taken(body, validated)] * count
    error = body.get("error")
    if reply.status != 400:
        return [whole_request(reply, error)] * count
    return _refused(reply, error, count)


def _taken(body: dict[str, Any], validated: bool) -> Verdict:
    request_id = body.get("requestId")
    if validated:
        # Nothing became of it: there is no status to ask for.
        return Verdict(Reading.ACCEPTED, "validated") if body.keys() <= {"requestId", "fieldWarnings"} else _UNKNOWN
    if isinstance(request_id, str) and _RECEIPT.fullmatch(request_id):
        return Verdict(Reading.ACCEPTED, "requestId", receipt=request_id)
    return _UNKNOWN


_UNKNOWN = Verdict(Reading.UNKNOWN, "no requestId")


def _refused(reply: Reply, error: object, count: int) -> list[Verdict]:
    """One bad event fails the request, and nothing of it is processed."""
    named: dict[int, Verdict] = {}
    reasons = [enum_name(detail.get("reason")) for detail in details_of(error, ".ErrorInfo")]
    for detail in details_of(error, ".BadRequest"):
        for violation in dicts_in(detail.get("fieldViolations")):
            reason = enum_name(violation.get("reason")) or "INVALID_ARGUMENT"
            reasons.append(reason)
            found = _EVENT.search(str(violation.get("field", "")))
            if found and int(found[1]) < count:
                named.setdefault(int(found[1]), Verdict(Reading.REJECTED, reason))
    for reason in reasons:
        if reason in _SET_UP_CUT:
            return [Verdict(Reading.CONFIGURATION, reason)] * count
        if reason in NOT_YET:
            return [Verdict(Reading.RETRY, reason, wait=NOT_YET[reason])] * count
    if named:
        return [named.get(index, Verdict(Reading.RETRY, "refused with others")) for index in range(count)]
    if reasons:
        return [Verdict(Reading.REJECTED, reasons[-1] or "INVALID_ARGUMENT", on_request=True)] * count
    return [whole_request(reply, error)] * count


def later_verdict(reply: Reply) -> LaterVerdict | None:
    """By the statuses of the actions of a request, all or none; None for what is no status.

    How many events failed for which reason says nothing about any of them: one may be counted for several.
    """
    body = json_of(reply) if reply.status == 200 else None
    found = dicts_in(body.get("requestStatusPerDestination")) if isinstance(body, dict) else []
    if not found:
        return None
    statuses = {str(each.get("requestStatus")) for each in found}
    if not statuses <= {"SUCCESS", "FAILED", "PARTIAL_SUCCESS"}:
        return LaterVerdict(Later.PENDING, "PROCESSING")
    if statuses == {"SUCCESS"}:
        return LaterVerdict(Later.PROCESSED, "SUCCESS")
    reasons = [reason for each in found for reason in _reasons(each)]
    is_refused = statuses == {"FAILED"} and KNOWN.isdisjoint(reasons)
    return LaterVerdict(Later.REJECTED if is_refused else Later.UNCONFIRMED, reasons[0] if reasons else min(statuses))


def _reasons(status: dict[str, Any]) -> list[str]:
    """Why events of one action failed."""
    info = status.get("errorInfo")
    counts = dicts_in(info.get("errorCounts")) if isinstance(info, dict) else []
    return [_PREFIX.sub("", enum_name(each.get("reason"))) or "FAILED" for each in counts]
