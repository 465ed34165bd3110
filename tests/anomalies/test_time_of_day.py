"""A clock that is an hour off moves no daily count: it is seen by the hours, in the zone that people live by."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from postback_pipeline.anomalies.findings import Kind
from postback_pipeline.anomalies.judge import judge
from postback_pipeline.anomalies.series import METRICS, Series
from postback_pipeline.anomalies.time_of_day import time_of_day

LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 1, 5, tzinfo=LONDON)


def hours(days: int, late_from: int | None = None, a_day: int = 200) -> list[tuple[datetime, int]]:
    """Orders of a shop that is open from nine to five, London time; an hour late from some day on."""
    chance = random.Random(3)
    counts: dict[datetime, int] = {}
    for number in range(days):
        for _ in range(a_day):
            hour = int(chance.triangular(9, 17, 11)) + (late_from is not None and number >= late_from)
            local = (START + timedelta(days=number)).replace(hour=hour)
            start = local.astimezone(UTC)
            counts[start] = counts.get(start, 0) + 1
    return sorted(counts.items())


def series(found: list[tuple[datetime, int]], zone: str = "Europe/London") -> Series:
    return Series("meta", "purchase", METRICS["time_of_day"], time_of_day(found, zone))


def test_a_shop_that_keeps_its_hours_is_neither_late_nor_early() -> None:
    points = time_of_day(hours(60), "Europe/London")
    assert len(points) > 50
    assert max(abs(point.value) for point in points[10:]) < 0.5
    assert {point.weight for point in points} == {200}


def test_an_hour_is_seen_as_an_hour_and_found_with_its_first_day() -> None:
    late = series(hours(80, late_from=70))
    first = next(point for point in late.points if point.day == (START + timedelta(days=70)).date())
    assert 0.6 < first.value < 1.4
    (found,) = judge(late).findings
    assert (found.kind, found.since) == (Kind.LEVEL_SHIFT, first.day)


def test_summer_time_is_no_fault_on_the_clock_that_people_live_by() -> None:
    # British summer time begins on 29 March.
    assert judge(series(hours(110))).findings == []
    assert judge(series(hours(110), "UTC")).findings != []


def test_before_enough_was_counted_nothing_is_said() -> None:
    assert time_of_day(hours(5, a_day=30), "UTC") == []
    assert time_of_day([], "UTC") == []
