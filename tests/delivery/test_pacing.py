"""Rates over all workers, and how much is in flight as a receiver's health allows."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP, GRACE_SECONDS, RESERVED_SECONDS, Turns, Window


class Shared:
    """A destination's turns, as the ledger hands them out."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.now = 100.0
        self.free_at = 0.0
        self.reserved: list[int] = []

    async def reserve(self, count: int) -> float:
        first = max(self.now, self.free_at)
        self.free_at = first + count / self.rate
        self.reserved.append(count)
        return first

    def worker(self) -> Turns:
        return Turns(self.rate, self.reserve, lambda: self.now)


def take(turns: Turns, wanted: int = 1) -> float:
    return asyncio.run(turns.take(wanted))


def test_turns_are_spaced_evenly_and_an_idle_time_earns_no_burst() -> None:
    shared = Shared(4.0)
    turns = shared.worker()
    found = [take(turns, 6 - number) for number in range(6)]
    assert found == pytest.approx([100 + number / 4 for number in range(6)])
    shared.now = 200.0
    assert [take(turns, 2), take(turns)] == pytest.approx([200.0, 200.25])
    assert shared.reserved == [6, 2]


def test_no_more_turns_are_reserved_than_a_few_seconds_hold() -> None:
    shared = Shared(10.0)
    take(shared.worker(), 1_000)
    assert shared.reserved == [int(10 * RESERVED_SECONDS)]


def test_turns_that_passed_are_lost_and_not_made_up_for() -> None:
    shared = Shared(100.0)
    turns = shared.worker()
    take(turns, 10)
    shared.now += 0.055
    late = take(turns, 9)
    assert late >= shared.now - GRACE_SECONDS
    shared.now += 10
    assert take(turns, 1) == shared.now
    assert shared.reserved == [10, 1]


@given(
    rate=st.floats(0.5, 500),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(0, 2), st.integers(1, 50)), min_size=1, max_size=60),
)
def test_all_workers_together_keep_the_rate(rate: float, steps: list[tuple[float, int, int]]) -> None:
    shared = Shared(rate)
    workers = [shared.worker() for _ in range(3)]
    turns = []
    for step, worker, wanted in steps:
        shared.now += step
        turns.append(take(workers[worker], wanted))
        assert turns[-1] >= shared.now - max(GRACE_SECONDS, 1 / rate) - 1e-9
    gaps = [after - before for before, after in pairwise(sorted(turns))]
    assert all(gap >= 1 / rate - 1e-6 for gap in gaps)


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
        window.failed(0.1)
        sizes.append(window.size)
    assert sizes == [8, 4, 2, 1, 1, 1]


def test_failures_in_a_row_trip_it_and_a_success_starts_the_count_anew() -> None:
    window = Window(16)
    first = [window.failed(0.1) for _ in range(FAILURES_TO_TRIP - 1)]
    window.succeeded()
    second = [window.failed(0.1) for _ in range(FAILURES_TO_TRIP + 2)]
    assert first == [False] * (FAILURES_TO_TRIP - 1)
    # Once it tripped, the next failure is enough.
    assert second == [False] * (FAILURES_TO_TRIP - 1) + [True] * 3


def test_a_few_attempts_that_hang_trip_it_as_well() -> None:
    window = Window(16)
    assert [window.failed(15.0) for _ in range(3)] == [False, False, True]
    window.succeeded()
    assert not window.failed(15.0)


def test_in_doubt_it_begins_with_one_again() -> None:
    window = Window(16)
    for _ in range(20):
        window.succeeded()
    window.doubt()
    assert window.size == 1
    window.succeeded()
    assert window.size == 2
