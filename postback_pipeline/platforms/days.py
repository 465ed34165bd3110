"""Days of a platform's own clocks, as dates and as instants.

Belongs here: which days a report is about, and where they begin and end. Does not belong here: which of them are read
again (`pulling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """From `first` to `last`, both included, on the clocks of `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * _DAY

    @property
    def starts_at(self) -> datetime:
        """The first instant, UTC."""
        return _midnight(self.first, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The first instant after them, UTC: a day has 23, 24 or 25 hours."""
        return _midnight(self.last + _DAY, self.zone)

    def day_of(self, moment: datetime) -> date:
        """The day of an aware `moment`, whether or not it is one of these."""
        return moment.astimezone(self.zone).date()

    def pieces(self, most: int) -> Iterator[Days]:
        """The same days in pieces of at most `most`, for platforms that tell no more at once."""
        for first in list(self)[::most]:
            yield Days(first, min(self.last, first + (most - 1) * _DAY), self.zone)

    def same_in(self, zone: str) -> bool:
        """Whether the clocks of `zone` cut these days at the same instants; False for what is no zone."""
        try:
            theirs = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return False
        days = [*self, self.last + _DAY]
        return all(_midnight(day, theirs) == _midnight(day, self.zone) for day in days)


def closed_days(now: datetime, zone: ZoneInfo, count: int) -> Days:
    """The last `count` days that were over in `zone` at the aware `now`."""
    last = now.astimezone(zone).date() - _DAY
    return Days(last - (count - 1) * _DAY, last, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Where clocks skip midnight this is the instant of the change; where they show it twice, the first time.
    return datetime.combine(day, time(), zone).astimezone(UTC)
