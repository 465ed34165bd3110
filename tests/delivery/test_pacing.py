"""Rates, and how much is in flight as a receiver's health allows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP, Pace, Window


def test_turns_are_spaced_evenly_and_an_idle_time_earns_no_burst() -> None:
    pace = Pace(4.0)
    assert [pace.turn(now) for now in (100.0, 100.0, 100.1, 110.0, 110.0)] == pytest.approx([0, 0.25, 0.4, 0, 0.25])


def test_without_a_rate_every_turn_is_now() -> None:
    pace = Pace(None)
    assert [pace.turn(now) for now in (5.0, 5.0, 5.0)] == [0, 0, 0]


@given(
    rate=st.floats(0.5, 500),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=50),
)
def test_no_second_holds_more_than_the_rate(rate: float, steps: list[float]) -> None:
    pace, now, leaves = Pace(rate), 0.0, []
    for step in steps:
        now += step
        leaves.append(now + pace.turn(now))
    gaps = [after - before for before, after in pairwise(leaves)]
    assert all(gap >= 1 / rate - 1e-9 for gap in gaps)


def test_the_first_request_is_alone_and_successes_widen_up_to_the_limit() -> None:
    window = Window(4)
    sizes = [window.size]
    for _ in range(5):
        window.succeeded()
        sizes.append(window.size)
    assert sizes == [1, 2, 3, 4, 4, 4]


def test_a_failure_halves_what_is_in_flight() -> None:
    window = Window(16)
    for _ in range(20):
        window.succeeded()
    sizes = []
    for _ in range(6):
        window.failed()
        sizes.append(window.size)
    assert sizes == [8, 4, 2, 1, 1, 1]


def test_failures_in_a_row_trip_it_and_a_success_starts_the_count_anew() -> None:
    window = Window(16)
    first = [window.failed() for _ in range(FAILURES_TO_TRIP - 1)]
    window.succeeded()
    second = [window.failed() for _ in range(FAILURES_TO_TRIP + 2)]
    assert first == [False] * (FAILURES_TO_TRIP - 1)
    # Once it tripped, the next failure is enough.
    assert second == [False] * (FAILURES_TO_TRIP - 1) + [True] * 3


def test_every_wait_in_a_row_is_twice_as_long_up_to_a_limit() -> None:
    window = Window(16)
    waits = [window.trip(10, 60) for _ in range(5)]
    window.succeeded()
    assert [*waits, window.trip(10, 60)] == [10, 20, 40, 60, 60, 10]
