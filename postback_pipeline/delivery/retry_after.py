"""`Retry-After` as an instant.

Belongs here: reading the header in all its forms (RFC 9110, section 10.2.3). What is done with it is the drain's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: The longest silence that one header can ask for: a receiver is asked again after a day at the latest.
CEILING = timedelta(days=1)

#: The standard knows whole seconds only; some receivers send parts of one.
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the receiver wants to be called again, from `now` to `now` + CEILING; None without a readable header.

    A date counts by its distance from the reply's own `Date` header where there is one, so that a receiver's wrong
    clock does not matter; a date in the past means now.

    Args:
        headers: case-insensitive, as a reply carries them.
        now: aware UTC.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return now + timedelta(seconds=min(float(text), CEILING.total_seconds()))
    until = _http_date(text)
    if until is None:
        return None
    wait = until - (_http_date(headers.get("Date", "")) or now)
    return now + min(max(wait, timedelta(0)), CEILING)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # The asctime form names no zone: all forms of HTTP dates are UTC.
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
