"""What Microsoft Advertising answers to offline conversions and their adjustments.

Belongs here: the errors of single rows and of whole requests. Does not belong here: what is sent (`microsoft_offline`).
Sources: learn.microsoft.com/en-us/advertising/guides/operation-error-codes, the statuses of offline conversion reports
there, and the faults of msads 13.0.30.1.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from postback_pipeline.destinations.base import Reading, Reply, Verdict
from postback_pipeline.destinations.json_body import code_of, index_of, json_of

#: A goal that was made less than two hours ago.
NOT_YET = {"OfflineConversionGoalTooRecent": timedelta(hours=2)}
#: Another access token may be taken.
TOKEN_EXPIRED = "AuthenticationTokenExpired"  # noqa: S105
#: Codes that only a person can put right, and those that pass by themselves. Unverified as a division.
SET_UP = frozenset(
    {
        *("InvalidCredentials", "UserIsNotAuthorized", TOKEN_EXPIRED, "AccountNotAuthorized"),
        *("CampaignServiceCustomerIdHasToBeSpecified", "CampaignServiceAccountIdHasToBeSpecified"),
        *("OfflineConversionNameInvalid", "NotEligibleForEnhancedConversions"),
    }
)
PASSING = frozenset({"CallRateExceeded", "ConcurrentRequestOverLimit"})
#: Trouble of Microsoft's own: the row may have been taken.
SERVER = "InternalError"

_ACCEPTED = Verdict(Reading.ACCEPTED, "PartialErrors")


def verdicts(reply: Reply, count: int) -> list[Verdict]:
    """One per row; `PartialErrors` hold those that failed, each with its `Index`."""
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    if reply.status != 200:
        return _refused(reply, body, count)
    errors = body.get("PartialErrors", "missing")
    if errors is None or errors == []:
        return [_ACCEPTED] * count
    if not isinstance(errors, list):
        return [Verdict(Reading.UNKNOWN, "no PartialErrors")] * count
    named = _by_row(errors, count)
    # An error that names no row may be about any.
    is_told = all(_index_of(error, count) in named for error in errors)
    other = _ACCEPTED if is_told else Verdict(Reading.UNKNOWN, "an error without a row")
    return [named.get(index, other) for index in range(count)]


def _by_row(errors: list[Any], count: int) -> dict[int, Verdict]:
    named: dict[int, Verdict] = {}
    for error in errors:
        index = _index_of(error, count)
        if index is not None and index not in named:
            named[index] = _meaning(error)
    return named


def _index_of(error: object, count: int) -> int | None:
    return index_of(error.get("Index"), count) if isinstance(error, dict) else None


def _meaning(error: dict[str, Any]) -> Verdict:
    code = code_of(error.get("ErrorCode")) or code_of(error.get("Code")) or "BatchError"
    if code in NOT_YET:
        return Verdict(Reading.RETRY, code, wait=NOT_YET[code])
    if code in SET_UP:
        return Verdict(Reading.CONFIGURATION, code, credential=code == TOKEN_EXPIRED)
    if code == SERVER:
        return Verdict(Reading.UNKNOWN, code)
    return Verdict(Reading.RETRY if code in PASSING else Reading.REJECTED, code)


def _refused(reply: Reply, body: dict[str, Any], count: int) -> list[Verdict]:
    """A fault: `AdApiFaultDetail` with `Errors`, or `ApiFaultDetail` with `BatchErrors` and `OperationErrors`."""
    status = f"HTTP {reply.status}"
    if reply.status == 429:
        return [Verdict(Reading.RETRY, status)] * count
    if reply.status not in (400, 401, 403, 404):
        return [Verdict(Reading.UNKNOWN, status)] * count
    lists = [body.get(name) for name in ("Errors", "OperationErrors", "BatchErrors")]
    errors = [error for each in lists if isinstance(each, list) for error in each if isinstance(error, dict)]
    meanings = [_meaning(error) for error in errors]
    for meaning in meanings:
        if meaning.reading is not Reading.REJECTED:
            return [meaning] * count
    if reply.status != 400:
        return [Verdict(Reading.CONFIGURATION, meanings[0].reason if meanings else status)] * count
    if named := _by_row(errors, count):
        return [named.get(index, Verdict(Reading.RETRY, "refused with others")) for index in range(count)]
    return [Verdict(Reading.REJECTED, meanings[0].reason if meanings else status, on_request=True)] * count
