"""What one worker learns about a destination holds for all of them, and for those that come later."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest
from aiohttp import web
from sqlalchemy import select

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.judging import Judgement
from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP, SECONDS_TO_TRIP
from postback_pipeline.delivery.pause_mark import mark_of, resume_if_fixed
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.delivery.standing import Standing
from postback_pipeline.delivery.transport import Exchange
from postback_pipeline.destinations.base import Request
from postback_pipeline.ledger import Ledger, Result
from postback_pipeline.ledger.schema import actions
from postback_pipeline.model import Outcome, Phase, State
from tests.delivery.lines import NAME, SECRET, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, receiving, replying, slow

OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


def workers(line: Line, count: int) -> asyncio.Future[list[DrainReport]]:
    return asyncio.gather(*(line.drain(owner=f"worker {number}") for number in range(count)))


def test_a_wish_to_wait_that_one_worker_heard_stops_all_of_them(any_ledger: Ledger, clock: Clock) -> None:
    throttled_at: list[int] = []

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        number = len(receiver.hits)
        await asyncio.sleep(0.02)
        if number == 12:
            throttled_at.append(len(receiver.hits))
            return web.Response(status=429, headers={"Retry-After": "90"})
        return web.Response(text="OK")

    async def go() -> tuple[list[DrainReport], Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, options="concurrency = 1\n")
            line.enqueue(*(desired(number) for number in range(400)))
            return await workers(line, 3), receiver

    reports, receiver = asyncio.run(go())
    # One that had nothing in hand just then found nothing more to claim.
    assert {report.ended for report in reports} in ({"postponed"}, {"postponed", "drained"})
    assert {report.reason for report in reports if report.ended == "postponed"} == {"retry_when fits HTTP 429"}
    # Each of the others has a request in flight and those of one group commit.
    assert len(receiver.hits) - throttled_at[0] < 60


def test_an_open_breaker_survives_the_drain_and_lets_one_probe_through(any_ledger: Ledger, clock: Clock) -> None:
    healthy = False

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(status=200 if healthy else 500, text="OK")

    async def go() -> None:
        nonlocal healthy
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, WEBHOOK, "retry = { first_seconds = 60 }\n")
            line.enqueue(*(desired(number) for number in range(40)))
            report = await line.drain()
            assert report.ended == "postponed"
            assert f"{FAILURES_TO_TRIP} attempts in a row failed" in (report.reason or "")
            hits = len(receiver.hits)
            assert FAILURES_TO_TRIP <= hits < 2 * FAILURES_TO_TRIP
            assert {each.ended for each in await workers(line, 2)} <= {"postponed", "drained"}
            assert len(receiver.hits) == hits

            clock.forward(minutes=61)
            await workers(line, 3)
            assert len(receiver.hits) == hits + 1

            healthy = True
            clock.forward(minutes=121)
            report = await line.drain()
            assert (report.ended, set(line.states())) == ("drained", {State.ACCEPTED})
            assert line.ledger.due([NAME])[NAME].trips == 0

    asyncio.run(go())


def test_after_an_outage_the_first_request_is_alone_and_the_others_follow_step_by_step(
    ledger: Ledger, clock: Clock
) -> None:
    flying, seen = 0, []

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        nonlocal flying
        flying += 1
        seen.append(flying)
        await asyncio.sleep(0.02)
        flying -= 1
        return web.Response(text="OK")

    async def go() -> None:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock)
            line.enqueue(*(desired(number) for number in range(60)))
            ledger.trip(NAME, "it failed", rules=line.rules)
            clock.forward(hours=1)
            await line.drain()

    asyncio.run(go())
    assert seen[0] == 1
    assert all(number <= 1 + sum(1 for _ in seen[:place]) for place, number in enumerate(seen))
    assert max(seen) > 3


@pytest.mark.parametrize("trips", [True, False])
def test_what_was_recorded_before_the_breaker_moved_does_not_move_it_back(
    ledger: Ledger, clock: Clock, trips: bool
) -> None:
    line = line_at("http://127.0.0.1:9", ledger, clock)
    line.enqueue(desired(1))
    if not trips:
        ledger.trip(NAME, "it failed", rules=line.rules)
        clock.forward(hours=1)

    async def go() -> bool:
        desk = Desk(NAME, ledger, line.rules, 30, "worker")
        await desk.open()
        standing = Standing(desk, 1, "mark")
        await standing.begin(())
        (claim,) = await desk.claim(1)

        async def record() -> None:
            result = Result(claim.postback_id, claim.token, Outcome.ACCEPTED, clock())
            standing.hear(await desk.record([result]))

        recording = asyncio.create_task(record())
        await asyncio.sleep(0)
        await standing.heed(Judgement(failed=trips, elapsed=2 * SECONDS_TO_TRIP))
        await recording
        await desk.close()
        return standing.tripped

    assert asyncio.run(go()) is trips
    assert (ledger.due([NAME])[NAME].trips > 0) is trips


class TurnedAway:
    """A transport to a receiver that refuses the set-up after it let bytes come, as TLS 1.3 allows."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def send(self, request: Request, *, ends_at: float) -> Exchange:
        return Exchange(Phase.WRITTEN, None, False, "TLS: the handshake failed", 0.01, True)


def test_a_set_up_that_is_refused_after_bytes_left_is_unknown_and_paused(ledger: Ledger, clock: Clock) -> None:
    line = line_at("http://127.0.0.1:9", ledger, clock)
    line.enqueue(desired(1))
    report = asyncio.run(line.drain(TurnedAway()))
    assert (report.ended, report.reason, line.states()) == ("paused", "TLS: the handshake failed", [State.PARKED])
    assert [attempt.outcome for attempt in line.attempts()] == [Outcome.UNKNOWN]


def test_many_refused_at_once_pause_once_and_burn_no_attempt(any_ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        await asyncio.sleep(0.02 if len(receiver.hits) < 8 else 0.2)
        return web.Response(status=401 if len(receiver.hits) > 8 else 200, text="OK")

    async def go() -> tuple[list[DrainReport], Line]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, WEBHOOK)
            line.enqueue(*(desired(number) for number in range(60)))
            return await workers(line, 2), line

    reports, line = asyncio.run(go())
    assert {report.ended for report in reports} == {"paused"}
    assert set(line.states()) == {State.ACCEPTED, State.PENDING}
    (standing,) = line.ledger.status().destinations
    assert (standing.paused, standing.pause_reason, standing.paused_by) == (True, "HTTP 401", "drain")
    with any_ledger._database.reading() as connection:
        assert [row.actor for row in connection.execute(select(actions))] == ["drain"]


def test_a_new_secret_lets_it_run_again_and_no_other_change_does(any_ledger: Ledger, clock: Clock) -> None:
    tokens: set[str] = set()

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        tokens.add(request.headers["webhook-signature"])
        return web.Response(status=200 if good else 401)

    good = False

    async def go() -> None:
        nonlocal good
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, WEBHOOK)
            line.enqueue(*(desired(number) for number in range(20)))
            assert (await line.drain()).ended == "paused"
            hits = len(receiver.hits)
            good = True
            assert ((await line.drain()).ended, len(receiver.hits)) == ("paused", hits)
            assert not resume_if_fixed(NAME, line.destination, line.ledger, line.environment)
            line.environment["CRM_SECRET"] = ""
            assert not resume_if_fixed(NAME, line.destination, line.ledger, line.environment)
            line.environment["CRM_SECRET"] = OTHER_SECRET
            report = await line.drain()
            assert (report.ended, dict(report.outcomes)) == ("drained", {"accepted": 20})
            assert all(len(story.attempts) <= 2 for story in line.stories())

    asyncio.run(go())


def test_a_secret_that_was_missing_and_is_there_now_is_seen_without_a_drain(ledger: Ledger, clock: Clock) -> None:
    async def go() -> None:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, WEBHOOK)
            line.enqueue(desired(1))
            line.environment.clear()
            report = await line.drain()
            assert (report.ended, report.reason) == ("paused", "The environment variable CRM_SECRET is not set.")
            assert receiver.hits == []
            line.environment["CRM_SECRET"] = SECRET
            assert resume_if_fixed(NAME, line.destination, ledger, line.environment)
            assert not resume_if_fixed(NAME, line.destination, ledger, line.environment)
            assert not ledger.due([NAME])[NAME].paused

    asyncio.run(go())


def test_a_persons_pause_is_never_ended_by_the_machine(ledger: Ledger, clock: Clock) -> None:
    async def go() -> None:
        async with receiving(replying(401)) as receiver:
            line = line_at(receiver.url, ledger, clock, WEBHOOK)
            line.enqueue(desired(1))
            await line.drain()
            ledger.pause(NAME, reason="holidays", actor="ann")
            line.environment["CRM_SECRET"] = OTHER_SECRET
            assert not resume_if_fixed(NAME, line.destination, ledger, line.environment)
            report = await line.drain()
            assert (report.ended, report.reason, len(receiver.hits)) == ("paused", "holidays", 1)

    asyncio.run(go())


def test_a_persons_pause_stops_a_drain_that_is_under_way(any_ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 5:
            any_ledger.pause(NAME, reason="holidays", actor="ann")
        await asyncio.sleep(0.02)
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, options="concurrency = 2\n")
            line.enqueue(*(desired(number) for number in range(300)))
            return await line.drain(), line, receiver

    report, line, receiver = asyncio.run(go())
    assert (report.ended, report.reason) == ("paused", "holidays")
    assert len(receiver.hits) < 60
    assert Counter(line.states()) == {State.ACCEPTED: len(receiver.hits), State.PENDING: 300 - len(receiver.hits)}


def test_a_mark_says_that_a_secret_changed_and_not_what_it_is(ledger: Ledger, clock: Clock) -> None:
    line = line_at("http://127.0.0.1:9", ledger, clock, WEBHOOK)
    marks = {
        mark_of(name, line.destination, ledger_id, {"CRM_SECRET": secret, "OTHER": other})
        for name, ledger_id, secret, other in [
            ("a", "1", SECRET, "x"),
            ("a", "1", SECRET, "y"),
            ("a", "1", OTHER_SECRET, "x"),
            ("b", "1", SECRET, "x"),
            ("a", "2", SECRET, "x"),
        ]
    }
    assert len(marks) == 4
    assert {len(mark) for mark in marks} == {4}
    assert not any(hashlib.sha256(SECRET.encode()).hexdigest().startswith(mark) for mark in marks)


def test_while_a_drain_lives_the_ledger_says_so(any_ledger: Ledger, clock: Clock) -> None:
    working: list[bool] = []

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        working.append(any_ledger.due([NAME])[NAME].working)
        return web.Response(text="OK")

    async def go() -> None:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock)
            line.enqueue(desired(1), desired(2))
            await line.drain()

    asyncio.run(go())
    assert working == [True, True]
    assert not any_ledger.due([NAME])[NAME].working


def test_all_workers_together_keep_the_rate(any_ledger: Ledger, clock: Clock) -> None:
    arrivals: list[float] = []

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        arrivals.append(time.monotonic())
        return web.Response(text="OK")

    async def go() -> list[DrainReport]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, options="rate = 40\n", claim_rows=8)
            line.enqueue(*(desired(number) for number in range(40)))
            return await workers(line, 3)

    reports = asyncio.run(go())
    assert sum(report.requests for report in reports) == len(arrivals) == 40
    assert arrivals[-1] - arrivals[0] >= 39 / 40 * 0.9


def test_a_wish_to_wait_is_kept_over_drains_and_then_over(ledger: Ledger, clock: Clock) -> None:
    async def go() -> None:
        async with receiving(slow(0)) as receiver:
            line = line_at(receiver.url, ledger, clock)
            line.enqueue(desired(1))
            ledger.postpone(NAME, datetime.now(UTC) + timedelta(seconds=60), "asked to")
            report = await line.drain()
            assert (report.requests, receiver.hits) == (0, [])
            clock.forward(seconds=61)
            assert (await line.drain()).requests == 1

    asyncio.run(go())
