"""Whether a row of the outbox is sound enough to become a postback.

Belongs here: what every destination needs (amount, currency, zones, text that can be stored). Does not belong here:
what one receiver needs (its adapter refuses while rendering).
"""

from __future__ import annotations

import re

from postback_pipeline.ledger.columns import is_rate
from postback_pipeline.model import Desired

#: Longest reason that is stored or shown.
REASON_LENGTH = 300

_CURRENCY = re.compile(r"[A-Z]{3}")
_TEXTS = (
    *("conversion_key", "event_name", "fingerprint", "reason_code", "receiver_event", "event_id", "transaction_id"),
    *("click_id", "definition_version"),
)


def flaw(desired: Desired) -> str | None:
    """Why a row cannot become a postback, as a sentence without personal data; None if it can."""
    value = desired.desired_value
    if not value.is_finite() or (value.is_signed() and value != 0):
        return "The desired value is not an amount of zero or more."
    if not _CURRENCY.fullmatch(desired.currency):
        return "The currency is no code of three capital letters."
    rate = desired.facts.exchange_rate
    if rate is not None and not is_rate(rate):
        return "The exchange rate is not a number above zero with at most 12 decimals."
    if not _zoned(desired):
        return "A time carries no time zone."
    texts = _texts(desired)
    # All at once, since nearly none has a flaw.
    if flaw_of_text("".join(texts)) is None:
        return None
    for name, text in zip(_TEXTS, texts, strict=False):
        reason = flaw_of_text(text)
        if reason is not None:
            return f"The field {name} {reason}."
    return f"The field identifiers {flaw_of_text(''.join(texts))}."


def flaw_of_text(text: str) -> str | None:
    """Why a text cannot be stored, as the end of a sentence."""
    if "\x00" in text:
        return "holds a zero character"
    if text.isascii():
        return None
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


def _zoned(desired: Desired) -> bool:
    facts = desired.facts
    for instant in (facts.action_at, facts.event_time, facts.clicked_at, desired.not_before, desired.expires_at):
        if instant is not None and instant.tzinfo is None:
            return False
    return True


def _texts(desired: Desired) -> list[str]:
    """Every text that is stored: in the order of `_TEXTS`, then names and values of the identifiers."""
    facts = desired.facts
    return [
        desired.conversion_key,
        desired.event_name,
        desired.fingerprint,
        desired.reason_code,
        facts.receiver_event,
        facts.event_id or "",
        facts.transaction_id,
        facts.click_id or "",
        facts.definition_version,
        *facts.identifiers,
        *facts.identifiers.values(),
    ]
