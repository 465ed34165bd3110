"""Whether a day's conversions lie at the hours at which they usually do: a series made from counts per hour.

Belongs here: that one figure. Does not belong here: judging it.

A clock that is an hour off moves no daily count. It moves the hours, which shows best where they have edges: when a
shop opens and closes. Each conversion is asked how much better its hour would fit a shop one hour later than one hour
earlier, by the hours of the days before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from postback_pipeline.anomalies.series import Point

_HOURS = 24
#: Days after which a day weighs half in what is usual.
_HALF_LIFE = 28.0
#: Of what is usual, so many conversions are taken from all weekdays.
_SHARED = 60.0
#: Until so many have been counted, no hour is unusual.
_LEAST = 200.0


def time_of_day(hours: Iterable[tuple[datetime, int]], time_zone: str) -> list[Point]:
    """Per day: by how many hours its conversions seem to be late (positive) or early, of how many of them.

    Args:
        hours: the start of an hour, aware, and how many conversions occurred in it, in order.
        time_zone: the clock that customers live by, which moves with summer time.
    """
    return list(_points(_by_day(hours, ZoneInfo(time_zone))))


def _by_day(hours: Iterable[tuple[datetime, int]], zone: ZoneInfo) -> dict[date, NDArray[np.float64]]:
    days: dict[date, NDArray[np.float64]] = {}
    for start, count in hours:
        local = start.astimezone(zone)
        days.setdefault(local.date(), np.zeros(_HOURS))[local.hour] += count
    return days


def _points(days: dict[date, NDArray[np.float64]]) -> Iterator[Point]:
    usual = np.zeros((7, _HOURS))
    keep = 0.5 ** (1 / _HALF_LIFE)
    for day, counts in sorted(days.items()):
        total, of_all = float(counts.sum()), usual.sum(axis=0)
        if of_all.sum() >= _LEAST and total > 0:
            profile = usual[day.weekday()] + _SHARED * of_all / of_all.sum()
            yield Point(day, _hours_late(counts, profile / profile.sum()), total)
        usual *= keep
        usual[day.weekday()] += counts
    return


def _hours_late(counts: NDArray[np.float64], profile: NDArray[np.float64]) -> float:
    # No hour is impossible: a hundredth is spread over the day.
    fit = np.log(0.99 * profile + 0.01 / _HOURS)
    score = np.roll(fit, 1) - np.roll(fit, -1)
    # What the score would be of a usual day, and of one an hour later or earlier.
    usual = float(profile @ score)
    later = float(np.roll(profile, 1) @ score) - usual
    earlier = usual - float(np.roll(profile, -1) @ score)
    reach = (later + earlier) / 2
    return (float(counts @ score) / float(counts.sum()) - usual) / reach if reach > 1e-6 else 0.0
