"""How much a drain does at a time, when it stops, and what happens when the ledger goes away."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from aiohttp import web

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations.base import Element, Request
from postback_pipeline.destinations.webhook import Webhook
from postback_pipeline.ledger import Ledger, LedgerUnavailable, Rules
from postback_pipeline.model import Outcome, State
from tests.delivery.lines import BATCH, NAME, TRACKER, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, receiving, replying, slow


class Outage:
    """A ledger of which some operations fail for as long as a test says, and that counts them all."""

    def __init__(self, ledger: Ledger, *operations: str) -> None:
        self._ledger = ledger
        self.operations = set(operations)
        self.calls: Counter[str] = Counter()
        self.failures = 0

        self.identity = ledger.identity

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._ledger, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            if name in self.operations:
                self.failures += 1
                raise LedgerUnavailable("The ledger could not be used: the disk is full.")
            return operation(*args, **kwargs)

        return call

    def as_ledger(self) -> Ledger:
        return cast(Ledger, self)


async def filled(url: str, ledger: Ledger, clock: Clock, rows: int, options: str = "", **delivery: Any) -> Line:
    line = line_at(url, ledger, clock, options=options, **delivery)
    line.enqueue(*(desired(number) for number in range(rows)))
    return line


def test_no_more_is_in_flight_than_configured(ledger: Ledger, clock: Clock) -> None:
    flying, most = 0, 0

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.005)
        flying -= 1
        return web.Response(text="OK")

    async def go() -> Line:
        async with receiving(answer) as receiver:
            line = await filled(receiver.url, ledger, clock, 60, "concurrency = 5\n")
            await line.drain()
            return line

    line = asyncio.run(go())
    assert most == 5
    assert set(line.states()) == {State.ACCEPTED}


@pytest.mark.parametrize(
    ("kind", "options", "in_flight", "most"),
    [
        (TRACKER, "concurrency = 4\n", 4, 4 * 4),
        (BATCH, "concurrency = 2\nbatch_rows = 8\ndeduplicates = false\n", 2 * 8, 2.5 * 2 * 8),
    ],
)
def test_little_more_is_claimed_than_is_in_flight_where_a_killed_worker_would_leave_it_to_a_person(
    ledger: Ledger, clock: Clock, kind: str, options: str, in_flight: int, most: float
) -> None:
    claimed, answered = 0, 0

    async def go() -> Line:
        async def answer(request: web.Request, receiver: Receiver) -> web.Response:
            nonlocal claimed, answered
            states = line.states()
            # Whatever was answered and is not recorded yet is held as well, until the next group of results.
            held = states.count(State.SENDING) - (answered - states.count(State.ACCEPTED))
            claimed = max(claimed, held)
            await asyncio.sleep(0.02)
            body = await request.read()
            if not body:
                answered += 1
                return web.Response(text="OK")
            keys = [postback["key"] for postback in json.loads(body)["postbacks"]]
            answered += len(keys)
            return web.json_response({"results": [{"key": key, "status": "accepted"} for key in keys]})

        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, kind, options)
            line.enqueue(*(desired(number) for number in range(160)))
            await line.drain()
            return line

    line = asyncio.run(go())
    assert in_flight <= claimed <= most
    assert set(line.states()) == {State.ACCEPTED}


def test_a_rate_is_kept(ledger: Ledger, clock: Clock) -> None:
    async def go() -> DrainReport:
        async with receiving(ok) as receiver:
            return await (await filled(receiver.url, ledger, clock, 16, "rate = 50\n")).drain()

    report = asyncio.run(go())
    assert (report.requests, report.claimed) == (16, 16)
    assert report.seconds >= 15 / 50


def test_more_than_one_claim_is_worked_through(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Receiver]:
        async with receiving(ok) as receiver:
            line = await filled(receiver.url, ledger, clock, 95, claim_rows=10)
            return await line.drain(), receiver

    report, receiver = asyncio.run(go())
    assert (report.claimed, report.released, dict(report.outcomes)) == (95, 0, {"accepted": 95})
    assert len(set(receiver.orders)) == len(receiver.orders) == 95


def test_results_are_recorded_in_groups(ledger: Ledger, clock: Clock) -> None:
    counting = Outage(ledger)

    async def go() -> DrainReport:
        async with receiving(ok) as receiver:
            line = await filled(receiver.url, ledger, clock, 300, "deduplicates = true\n")
            line.ledger = counting.as_ledger()
            return await line.drain()

    assert dict(asyncio.run(go()).outcomes) == {"accepted": 300}
    assert counting.calls["record"] <= 60
    assert counting.calls["claim"] <= 5


def test_a_spent_budget_ends_the_drain_and_gives_the_rest_back(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(slow(0.2)) as receiver:
            line = await filled(receiver.url, ledger, clock, 100, "concurrency = 2\n", budget_seconds=1)
            return await line.drain(), line, receiver

    report, line, receiver = asyncio.run(go())
    sent = len(receiver.hits)
    assert (report.ended, report.requests, report.released) == ("budget", sent, report.claimed - sent)
    assert 0 < sent < 30
    assert [line.states().count(state) for state in (State.ACCEPTED, State.PENDING)] == [sent, 100 - sent]
    assert report.oldest_due_at is not None


def test_told_to_stop_it_finishes_what_is_in_flight_and_gives_the_rest_back(any_ledger: Ledger, clock: Clock) -> None:
    stop = asyncio.Event()

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 5:
            stop.set()
        await asyncio.sleep(0.05)
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = await filled(receiver.url, any_ledger, clock, 50)
            return await line.drain(stop=stop), line, receiver

    report, line, receiver = asyncio.run(go())
    sent = len(receiver.hits)
    assert report.ended == "stopped"
    assert 5 <= sent < 25
    assert [line.states().count(state) for state in (State.ACCEPTED, State.PENDING)] == [sent, 50 - sent]
    back = [attempt.reason for attempt in line.attempts() if attempt.outcome == "not_sent"]
    assert back == ["released"] * (report.claimed - sent)


def test_cancelled_it_ends_as_cleanly(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[Line, Receiver]:
        async with receiving(slow(0.05)) as receiver:
            line = await filled(receiver.url, ledger, clock, 50)
            task = asyncio.create_task(line.drain())
            while len(receiver.hits) < 5:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return line, receiver

    line, receiver = asyncio.run(go())
    sent = len(receiver.hits)
    assert sent < 50
    assert [line.states().count(state) for state in (State.ACCEPTED, State.PENDING)] == [sent, 50 - sent]


def test_what_comes_due_soon_is_waited_for(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, linger_seconds=5)
            line.enqueue(desired(1), desired(2, not_before=clock() + timedelta(seconds=0.5)))
            line.enqueue(desired(3, not_before=clock() + timedelta(minutes=5)))
            return await line.drain(), line

    report, line = asyncio.run(go())
    assert line.states() == [State.ACCEPTED, State.ACCEPTED, State.PENDING]
    assert (report.ended, report.oldest_due_at) == ("drained", None)
    assert report.next_due_at is not None


def test_drains_side_by_side_send_everything_once(any_ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[list[DrainReport], Line, Receiver]:
        async with receiving(ok) as receiver:
            line = await filled(receiver.url, any_ledger, clock, 120, claim_rows=7)
            reports = await asyncio.gather(*(line.drain(owner=f"worker {number}") for number in range(3)))
            return reports, line, receiver

    reports, line, receiver = asyncio.run(go())
    assert sorted(receiver.orders) == sorted(f"order-{number}" for number in range(120))
    assert sum(report.requests for report in reports) == 120
    assert set(line.states()) == {State.ACCEPTED}


def test_claims_that_another_worker_took_over_are_not_sent(ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 3:
            clock.forward(seconds=60)
            ledger.sweep(NAME, Rules())
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            # Whatever is in hand waits for its turn longer than for a renewal.
            options = "rate = 1.5\ndeadline_seconds = 0.2\nconcurrency = 2\n"
            line = await filled(receiver.url, ledger, clock, 8, options, lease_seconds=1)
            return await line.drain(), line, receiver

    report, line, receiver = asyncio.run(go())
    assert len(receiver.hits) < 8
    assert report.stale > 0
    assert {attempt.reason for attempt in line.attempts() if not attempt.stale} <= {
        "lease_expired",
        "accepted_when fits HTTP 200",
    }
    assert line.states().count(State.PARKED) == 8 - line.states().count(State.ACCEPTED)


def test_nothing_is_sent_on_a_lease_that_could_end_before_the_attempt(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line]:
        async with receiving(ok) as receiver:
            options = "rate = 40\ndeadline_seconds = 4.5\nconcurrency = 2\ndeduplicates = true\n"
            line = await filled(receiver.url, ledger, clock, 80, options, lease_seconds=4.8)
            line.ledger = Outage(ledger, "renew").as_ledger()
            report = await line.drain()
            line.ledger = ledger
            return report, line

    report, line = asyncio.run(go())
    assert set(line.states()) == {State.ACCEPTED}
    assert (dict(report.outcomes), report.stale) == ({"accepted": 80}, 0)
    # Claimed at once they would wait up to two seconds; what can wait a fifth of one goes back and is claimed anew.
    assert report.released > 0
    sent = [attempt for attempt in line.attempts() if attempt.outcome == "accepted"]
    waits = [attempt.finished_at - attempt.started_at for attempt in sent if attempt.finished_at]
    assert max(waits) < timedelta(seconds=1)


def test_without_a_durable_claim_nothing_is_sent(ledger: Ledger, clock: Clock) -> None:
    async def go() -> Receiver:
        async with receiving(ok) as receiver:
            line = await filled(receiver.url, ledger, clock, 5)
            line.ledger = Outage(ledger, "claim").as_ledger()
            with pytest.raises(LedgerUnavailable, match="the disk is full"):
                await line.drain()
            return receiver

    assert asyncio.run(go()).hits == []


def test_a_ledger_that_comes_back_in_time_loses_no_result(ledger: Ledger, clock: Clock) -> None:
    outage = Outage(ledger, "record", "renew")

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if outage.failures:
            outage.operations.clear()
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, Line]:
        async with receiving(answer) as receiver:
            line = await filled(receiver.url, ledger, clock, 30, "rate = 60\n")
            line.ledger = outage.as_ledger()
            report = await line.drain()
            line.ledger = ledger
            return report, line

    report, line = asyncio.run(go())
    assert outage.failures > 0
    assert set(line.states()) == {State.ACCEPTED}
    assert dict(report.outcomes) == {"accepted": 30}


class StoppedInRequest(Webhook):
    """As a process that is stopped while it makes a request, for longer than the deadline."""

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        time.sleep(0.4)
        return super().request(elements, secrets=secrets, sent_at=sent_at)


def test_the_deadline_begins_before_the_request_is_made(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[Line, Receiver]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, WEBHOOK, "deadline_seconds = 0.2\n")
            line.enqueue(desired(1))
            await replace(line, destination=StoppedInRequest.from_settings(NAME, line.settings)).drain()
            return line, receiver

    line, receiver = asyncio.run(go())
    assert receiver.hits == []
    assert [(each.outcome, each.reason) for each in line.attempts()] == [(Outcome.NOT_SENT, "the deadline passed")]


def test_a_ledger_that_comes_back_in_time_takes_back_what_was_not_sent(ledger: Ledger, clock: Clock) -> None:
    outage = Outage(ledger)
    stop = asyncio.Event()

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        outage.operations.add("release")
        stop.set()
        return web.Response(text="OK")

    async def come_back() -> None:
        while not outage.failures:
            await asyncio.sleep(0.01)
        outage.operations.clear()

    async def go() -> Line:
        async with receiving(answer) as receiver:
            line = await filled(receiver.url, ledger, clock, 20, "concurrency = 1\ndeduplicates = true\n")
            line.ledger = outage.as_ledger()
            await asyncio.gather(line.drain(stop=stop), come_back())
            line.ledger = ledger
            return line

    assert Counter(asyncio.run(go()).states()) == {State.ACCEPTED: 1, State.PENDING: 19}


def test_a_refused_credential_is_known_once_the_ledger_is_back(ledger: Ledger, clock: Clock) -> None:
    outage = Outage(ledger, "pause")

    async def come_back() -> None:
        while not outage.failures:
            await asyncio.sleep(0.01)
        outage.operations.clear()

    async def go() -> tuple[DrainReport, Line]:
        async with receiving(replying(401)) as receiver:
            line = await filled(receiver.url, ledger, clock, 3)
            line.ledger = outage.as_ledger()
            report, _ = await asyncio.gather(line.drain(), come_back())
            line.ledger = ledger
            return report, line

    report, line = asyncio.run(go())
    assert (report.ended, set(line.states())) == ("paused", {State.PENDING})


def test_a_ledger_that_stays_away_for_a_lease_is_waited_for_once(ledger: Ledger, clock: Clock) -> None:
    outage = Outage(ledger)

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        outage.operations |= {"record", "release"}
        return web.Response(text="OK")

    async def go() -> None:
        async with receiving(answer) as receiver:
            options = "concurrency = 1\nrate = 1\ndeadline_seconds = 0.3\n"
            line = await filled(receiver.url, ledger, clock, 5, options, lease_seconds=1)
            line.ledger = outage.as_ledger()
            with pytest.raises(LedgerUnavailable):
                await line.drain()

    asyncio.run(go())
    assert outage.calls["record"] > 1
    assert outage.calls["release"] == 1


def test_a_ledger_that_stays_away_ends_the_drain_loudly(ledger: Ledger, clock: Clock) -> None:

    async def go() -> tuple[Line, Receiver]:
        async with receiving(ok) as receiver:
            line = await filled(receiver.url, ledger, clock, 5, "deadline_seconds = 0.3\n", lease_seconds=1)
            line.ledger = Outage(ledger, "record", "release").as_ledger()
            with pytest.raises(LedgerUnavailable):
                await line.drain()
            line.ledger = ledger
            return line, receiver

    line, receiver = asyncio.run(go())
    assert len(receiver.hits) == 5
    assert set(line.states()) == {State.SENDING}
    clock.forward(minutes=2)
    ledger.sweep(NAME, line.rules)
    assert set(line.states()) == {State.PARKED}
