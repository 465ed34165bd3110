"""Lists of transactions, as networks tell them, on the way to rows: one at a time, each on a day of our clocks.

Belongs here: what the networks' files share. Does not belong here: any network.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from postback_pipeline.platforms.base import ReportRow
from postback_pipeline.platforms.days import Days

_ONE, _NOTHING = Decimal(1), Decimal(0)


def transaction(
    days: Days, at: datetime, event: str, value: Decimal, currency: str, *, counts: bool
) -> ReportRow | None:
    """One transaction at the aware `at`; one that does not count, since it was taken back, is worth nothing.

    None for what is not of these days: bounds of a list may be inclusive, and reach a second beyond.
    """
    on = days.day_of(at)
    if not days.first <= on <= days.last:
        return None
    return ReportRow(on, event, _ONE if counts else _NOTHING, value if counts else _NOTHING, currency)


def last_second(days: Days) -> datetime:
    """UTC: where both ends of a range are included, and its times have no fractions."""
    return days.ends_at - timedelta(seconds=1)


def utc(moment: datetime) -> str:
    """2026-03-28T23:00:00, without its zone, which is UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
