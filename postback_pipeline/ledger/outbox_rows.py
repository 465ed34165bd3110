"""Whether a row of the outbox is sound enough to become a postback.

Belongs here: what every destination needs (amount, currency, zones, text that can be stored). Does not belong here:
what one receiver needs (its adapter refuses while rendering).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from postback_pipeline.ledger.columns import is_rate
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.model import Desired

#: Longest reason that is stored or shown.
REASON_LENGTH = 300

_CURRENCY = re.compile(r"[A-Z]{3}")


def flaw(desired: Desired, destination: str) -> str | None:
    """Why a row cannot become a postback, as a sentence without personal data; None if it can.

    Raises:
        LedgerError: the row is another destination's.
    """
    if desired.destination != destination:
        raise LedgerError(
            f"A row of destination {desired.destination} was enqueued for {destination}. Nothing was enqueued."
        )
    value = desired.desired_value
    if not value.is_finite() or (value.is_signed() and value != 0):
        return "The desired value is not an amount of zero or more."
    if not _CURRENCY.fullmatch(desired.currency):
        return "The currency is no code of three capital letters."
    rate = desired.facts.exchange_rate
    if rate is not None and not is_rate(rate):
        return "The exchange rate is not a number above zero with at most 12 decimals."
    if any(instant.tzinfo is None for instant in _instants(desired)):
        return "A time carries no time zone."
    for name, text in _texts(desired):
        reason = flaw_of_text(text)
        if reason is not None:
            return f"The field {name} {reason}."
    return None


def flaw_of_text(text: str) -> str | None:
    """Why a text cannot be stored, as the end of a sentence."""
    if "\x00" in text:
        return "holds a zero character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    return None


def storable(text: str, length: int) -> str:
    """The beginning of a text from outside that is stored as it comes: at most `length` bytes, never refused."""
    return text.replace("\x00", "").encode("utf-8", "replace")[:length].decode("utf-8", "ignore")


def safe_reason(error: Exception) -> str:
    """What a failure to render may be reported as: our own sentences are free of personal data, others quote values."""
    if type(error).__module__.startswith("postback_pipeline."):
        return storable(str(error), REASON_LENGTH)
    return f"Rendering failed with {type(error).__name__}."


def _instants(desired: Desired) -> Iterator[datetime]:
    facts = desired.facts
    candidates = (facts.action_at, facts.event_time, facts.clicked_at, desired.not_before, desired.expires_at)
    return (instant for instant in candidates if instant is not None)


def _texts(desired: Desired) -> Iterator[tuple[str, str]]:
    facts = desired.facts
    yield "conversion_key", desired.conversion_key
    yield "event_name", desired.event_name
    yield "fingerprint", desired.fingerprint
    yield "reason_code", desired.reason_code
    yield "receiver_event", facts.receiver_event
    yield "event_id", facts.event_id or ""
    yield "transaction_id", facts.transaction_id
    yield "click_id", facts.click_id or ""
    yield "definition_version", facts.definition_version
    for name, value in facts.identifiers.items():
        yield "identifiers", name + value
