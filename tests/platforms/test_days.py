"""Days of a platform's clocks: 23, 24 and 25 hours, and clocks that cut them elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from postback_pipeline.platforms.days import Days, closed_days

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 28), "Europe/Berlin", 24),
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        # Clocks skip midnight, or show it twice.
        (date(2026, 4, 24), "Africa/Cairo", 23),
        (date(2026, 10, 29), "Africa/Cairo", 25),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(day: date, zone: str, hours: int) -> None:
    days = Days(day, day, ZoneInfo(zone))
    assert days.ends_at - days.starts_at == timedelta(hours=hours)
    assert days.day_of(days.starts_at) == day
    assert days.day_of(days.ends_at - timedelta(microseconds=1)) == day
    assert days.day_of(days.ends_at) == day + timedelta(days=1)
    assert days.day_of(days.starts_at - timedelta(microseconds=1)) == day - timedelta(days=1)


def test_only_days_that_are_over_are_read() -> None:
    # 23:30 in London is half past midnight in Berlin.
    late = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
    assert closed_days(late, BERLIN, 3) == Days(date(2026, 3, 28), date(2026, 3, 30), BERLIN)
    assert closed_days(late, ZoneInfo("UTC"), 1) == Days(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("UTC"))


def test_pieces_are_all_the_days_once() -> None:
    days = Days(date(2026, 3, 1), date(2026, 3, 31), BERLIN)
    pieces = list(days.pieces(14))
    assert [len(list(piece)) for piece in pieces] == [14, 14, 3]
    assert [day for piece in pieces for day in piece] == list(days)


def test_clocks_are_the_same_where_they_cut_the_days_alike() -> None:
    days = Days(date(2026, 3, 27), date(2026, 3, 31), BERLIN)
    assert days.same_in("Europe/Paris")
    assert not days.same_in("Europe/London")
    # The same in winter only.
    assert Days(date(2026, 1, 1), date(2026, 1, 9), BERLIN).same_in("Africa/Algiers")
    assert not days.same_in("Africa/Algiers")
    assert not days.same_in("Berlin, I think")
