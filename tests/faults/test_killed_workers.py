"""Rows 1, 2, 15, 16, 17, 39 and 41 of the failure matrix: workers that die, sleep, or are not alone.

Every test has real processes, real signals, a receiver that outlives them, and both databases.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from benchmarks.crash_points import Point
from postback_pipeline.model import Outcome, State
from tests.delivery.lines import WEBHOOK, Line
from tests.delivery.receivers import Answer, Receiver, ok, slow
from tests.faults.oracle import orders
from tests.faults.processes import Site, site

#: Some are claimed and wait, some are in flight, some are not claimed when a worker dies.
ROWS = 24
IN_FLIGHT = 4
OPTIONS = f"concurrency = {IN_FLIGHT}\nretry = {{ first_seconds = 0.001, max_seconds = 0.001 }}\n"


def killing(target: list[int], number: int, hit: int) -> Answer:
    """Takes everything, and sends a signal to the first process in `target` when the n-th request is here."""

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == hit:
            os.kill(target[0], number)
        await asyncio.sleep(0.02)
        return web.Response(text="OK")

    return answer


def states(here: Site) -> list[State]:
    return here.with_ledger(lambda line: line.states())


def test_row_01_what_was_sent_and_not_recorded_is_sent_again_with_the_same_bytes_where_that_is_harmless(
    empty_url: str, tmp_path: Path
) -> None:
    with site(empty_url, tmp_path, ok, kind=WEBHOOK, options=OPTIONS) as here:
        here.fill(1)
        here.worker(point=Point.AFTER_RESPONSE).start().ended(-signal.SIGKILL)
        assert states(here) == [State.SENDING]
        here.drain()
        assert len(here.receiver.hits) == 1, "nobody else may send it while the dead worker's lease runs"
        here.clock.forward(61)
        here.drain()
        line = here.account(1, deduplicates=True)
        first, second = here.receiver.hits
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
        (story,) = here.with_ledger(Line.stories)
        assert story.state is State.ACCEPTED
        assert [(each.number, each.outcome) for each in story.attempts] == [
            (1, Outcome.UNKNOWN),
            (2, Outcome.ACCEPTED),
        ]
        assert line.rules.deduplicates


def test_row_01_what_was_sent_and_not_recorded_is_left_to_a_person_where_it_could_count_twice(
    empty_url: str, tmp_path: Path
) -> None:
    with site(empty_url, tmp_path, ok, options=OPTIONS) as here:
        here.fill(1)
        here.worker(point=Point.AFTER_RESPONSE).start().ended(-signal.SIGKILL)
        for _ in range(3):
            here.clock.forward(61)
            here.drain()
        assert states(here) == [State.PARKED]
        assert len(here.receiver.hits) == 1
        here.account(1)


@pytest.mark.parametrize("hit", [1, 5, 13])
def test_row_02_only_what_was_in_the_hands_of_the_dead_is_uncertain(empty_url: str, tmp_path: Path, hit: int) -> None:
    target: list[int] = []
    with site(empty_url, tmp_path, killing(target, signal.SIGKILL, hit), options=OPTIONS, claim_rows=8) as here:
        here.fill(ROWS)
        dying = here.worker(owner="the dead")
        target.append(dying.pid)
        dying.start().ended(-signal.SIGKILL)
        before = here.with_ledger(Line.stories)
        here.clock.forward(61)
        here.drain(owner="the heir")
        here.account(ROWS)
        after = here.with_ledger(Line.stories)
        for was, became in zip(before, after, strict=True):
            assert became.state is {State.SENDING: State.PARKED}.get(was.state, State.ACCEPTED)
            assert became.attempts[0].owner == ("the heir" if was.state is State.PENDING else "the dead")
        lost_sight_of = sum(story.state is State.PARKED for story in after)
        assert 0 < lost_sight_of < ROWS


@pytest.mark.parametrize("workers", [2, 4])
def test_row_15_of_runs_side_by_side_each_postback_is_sent_by_one(empty_url: str, tmp_path: Path, workers: int) -> None:
    with site(empty_url, tmp_path, ok, options=OPTIONS, claim_rows=5) as here:
        here.fill(120)
        started = [here.worker(owner=f"worker {number}") for number in range(workers)]
        for each in started:
            each.start()
        reports = [each.ended() for each in started]
        here.account(120)
        assert sorted(here.book.keys) == sorted(f"{key}.1" for key in orders(120))
        assert sum(report["requests"] for report in reports) == 120
        assert set(states(here)) == {State.ACCEPTED}


def test_row_16_what_two_daemons_start_at_once_writes_and_sends_each_postback_once(
    empty_url: str, tmp_path: Path
) -> None:
    """Builds and drains of both, all at the same time: each drain meets postbacks that are still being written."""
    with site(empty_url, tmp_path, slow(0.005), options=OPTIONS, claim_rows=5, linger_seconds=3) as here:
        here.fill(20)
        builds = [here.worker(role="enqueue", rows=rows) for rows in (60, 120, 120)]
        drains = [here.worker(owner=f"daemon {number}") for number in range(2)]
        for each in (*drains, *builds):
            each.start()
        assert sum(each.ended()["inserted"] for each in builds) == 100
        reports = [each.ended() for each in drains]
        assert all(report["requests"] > 0 for report in reports), "both were at it"
        assert len(here.book.hits) == sum(report["requests"] for report in reports) == 120
        assert set(states(here)) == {State.ACCEPTED}
        here.account(120)


@pytest.mark.parametrize(
    "point", [Point.AFTER_CLAIM, Point.AFTER_BODY, Point.AFTER_RESPONSE, Point.BEFORE_COMMIT, Point.AFTER_COMMIT]
)
def test_row_17_a_worker_that_wakes_up_after_its_lease_changes_nothing(
    empty_url: str, tmp_path: Path, point: Point
) -> None:
    with site(empty_url, tmp_path, ok, options=OPTIONS) as here:
        # While it claimed more it would hold SQLite's lock in its sleep: there is no more when it begins.
        here.fill(1)
        # At the first commit a stopped worker would hold the database's lock: nobody could overtake it.
        zombie = here.worker(point=point, passes=1, ends_with="SIGSTOP", owner="zombie").start()
        zombie.stopped()
        here.clock.forward(61)
        if point is not Point.BEFORE_COMMIT:
            here.fill(8)
            here.drain(owner="heir")
        settled = here.with_ledger(Line.stories)
        zombie.signal(signal.SIGCONT)
        zombie.ended()
        here.fill(8)
        here.clock.forward(61)
        here.drain(owner="heir")
        here.account(8)
        stories = here.with_ledger(Line.stories)
        assert all(story.state in (State.ACCEPTED, State.PARKED) for story in stories)
        for was, became in zip(settled, stories, strict=False):
            if was.state in (State.ACCEPTED, State.PARKED):
                assert became.state is was.state
                assert became.history == was.history


def test_row_39_told_to_terminate_it_finishes_what_is_in_flight_and_sends_no_more(
    empty_url: str, tmp_path: Path
) -> None:
    target: list[int] = []
    with site(empty_url, tmp_path, killing(target, signal.SIGTERM, 6), options=OPTIONS) as here:
        here.fill(ROWS)
        worker = here.worker(role="run_drain")
        target.append(worker.pid)
        worker.start().ended(-signal.SIGTERM)
        sent = len(here.receiver.hits)
        found = states(here)
        assert 6 <= sent <= 6 + 2 * IN_FLIGHT
        assert (found.count(State.ACCEPTED), found.count(State.PENDING)) == (sent, ROWS - sent)
        here.account(ROWS)
        here.drain()
        assert set(states(here)) == {State.ACCEPTED}
        here.account(ROWS)


def test_row_39_terminated_again_and_again_it_loses_and_doubles_nothing(empty_url: str, tmp_path: Path) -> None:
    with site(empty_url, tmp_path, slow(0.02), options=OPTIONS) as here:
        here.fill(ROWS)
        for pause in (0.0, 0.01, 0.03, 0.06, 0.1):
            worker = here.worker(role="run_drain").start()
            time.sleep(pause)
            with suppress(ProcessLookupError):
                worker.signal(signal.SIGTERM)
            worker.gone()
        here.clock.forward(61)
        here.drain()
        here.account(ROWS)
        assert set(states(here)) == {State.ACCEPTED}


@pytest.mark.parametrize("point", [Point.AFTER_CLAIM, Point.AFTER_CONNECT])
def test_row_41_after_a_pause_longer_than_its_lease_no_byte_leaves(
    empty_url: str, tmp_path: Path, point: Point
) -> None:
    """The clocks are real here: the worker sleeps through its lease, and finds out by itself."""
    options = "concurrency = 2\ndeadline_seconds = 0.6\n"
    with site(empty_url, tmp_path, ok, options=options, lease_seconds=1.0) as here:
        here.fill(3)
        sleeper = here.worker(point=point, ends_with="SIGSTOP", owner="sleeper").start()
        sleeper.stopped()
        before = len(here.receiver.hits)
        time.sleep(1.2)
        here.clock.forward(0.1)
        here.with_ledger(lambda line: line.ledger.sweep("partner", line.rules))
        lapsed = states(here).count(State.PARKED)
        assert lapsed > 0
        sleeper.signal(signal.SIGCONT)
        sleeper.ended()
        again = [key for key in here.book.keys[before:] if key in parked_keys(here)]
        assert again == []
        here.account(3)


def parked_keys(here: Site) -> set[str]:
    """Of what nobody may send any more."""
    stories = here.with_ledger(Line.stories)
    return {f"{story.conversion_key}.{story.revision}" for story in stories if story.state is State.PARKED}
