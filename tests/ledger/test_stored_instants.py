"""Instants as SQLite stores them: texts in the order of time, as ISO 8601 writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.ledger.columns import FOREVER, instant_text, read_deadline, read_instant

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
#: Far enough from the calendar's ends to be told in UTC.
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | OFFSETS)


@given(INSTANTS)
def test_an_instant_is_written_as_iso_8601_in_utc_and_read_as_the_same(instant: datetime) -> None:
    text = instant_text(instant)
    assert text == instant.astimezone(UTC).isoformat(" ", "microseconds")
    assert (read_instant(text), read_instant(text).tzinfo) == (instant, UTC)


@given(INSTANTS, INSTANTS)
def test_texts_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (instant_text(one) < instant_text(other)) == (one < other)


def test_no_limit_is_read_as_none() -> None:
    assert read_deadline(instant_text(FOREVER)) is None
    assert read_deadline("2026-03-01 12:00:00.000000+00:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="carries no time zone"):
        instant_text(datetime(2026, 3, 1))
