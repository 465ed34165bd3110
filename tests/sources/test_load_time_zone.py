"""Wall-clock times of a source become UTC by its declared zone, on the days of 23 and 25 hours too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

LONDON = ZoneInfo("Europe/London")


def _load_wall_clock(shop: Any, order: dict[str, Any], walls: list[str]) -> None:
    rows = [order | {"order_id": str(number), "ordered_at": wall} for number, wall in enumerate(walls)]
    shop.write_rows("orders/a.csv", rows)
    shop.load(time_zone="Europe/London")


def test_winter_and_summer_differ_by_an_hour(shop: Any, order: dict[str, Any]) -> None:
    _load_wall_clock(shop, order, ["2010-01-04 09:24:00", "2010-07-04 09:24:00"])
    assert shop.values("ordered_at") == [
        datetime(2010, 1, 4, 9, 24, tzinfo=UTC),
        datetime(2010, 7, 4, 8, 24, tzinfo=UTC),
    ]


def test_the_day_of_23_hours_skips_an_hour(shop: Any, order: dict[str, Any]) -> None:
    _load_wall_clock(shop, order, [f"2010-03-28 {hour:02}:30:00" for hour in range(24)])
    assert shop.reasons() == ["ordered_at is a time that the clocks of Europe/London skipped."]
    moments = shop.values("ordered_at")
    assert len(moments) == 23
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(hours=1)}


def test_the_hour_that_comes_twice_is_taken_as_the_second_one(shop: Any, order: dict[str, Any]) -> None:
    walls = [f"2010-10-31 {hour:02}:30:00" for hour in range(24)]
    _load_wall_clock(shop, order, walls)
    expected = [datetime.fromisoformat(wall).replace(tzinfo=LONDON, fold=1).astimezone(UTC) for wall in walls]
    assert shop.values("ordered_at") == expected
    assert expected[-1] - expected[0] == timedelta(hours=24)


@pytest.mark.parametrize("day", ["2010-03-28", "2010-10-31"])
def test_a_zone_in_the_text_wins_over_the_declared_one(shop: Any, order: dict[str, Any], day: str) -> None:
    _load_wall_clock(shop, order, [f"{day} 01:30:00+00:00", f"{day} 01:30:00+01:00"])
    assert shop.values("ordered_at") == [
        datetime.fromisoformat(f"{day} 01:30:00+00:00"),
        datetime.fromisoformat(f"{day} 00:30:00+00:00"),
    ]


def test_declaring_the_zone_later_loads_what_was_in_quarantine(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order | {"ordered_at": "2010-07-04 09:24:00"}])
    shop.load()
    assert len(shop.reasons()) == 1
    shop.load(time_zone="Europe/London")
    assert shop.reasons() == []
    assert shop.values("ordered_at") == [datetime(2010, 7, 4, 8, 24, tzinfo=UTC)]
