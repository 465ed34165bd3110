"""Draining against receivers of every temper: what they saw, and what the ledger says afterwards."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Outcome, Phase, State
from tests.delivery.lines import NAME, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Answer, Receiver, hang, ok, receiving, replying, reset

SHORT = "deadline_seconds = 0.3\n"
#: Jitter can be next to nothing: of an hour, that is still longer than a test.
NOT_SOON = "retry = { first_seconds = 3600 }\n"


def drained(
    answer: Answer, ledger: Ledger, clock: Clock, *, rows: int = 3, kind: str | None = None, options: str = ""
) -> tuple[DrainReport, Line, Receiver]:
    """Enqueues some rows for a receiver and drains them once."""

    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, options=options, **({"kind": kind} if kind else {}))
            line.enqueue(*(desired(number) for number in range(rows)))
            return await line.drain(), line, receiver

    return asyncio.run(go())


def test_everything_due_is_sent_once_and_recorded(any_ledger: Ledger, clock: Clock) -> None:
    report, line, receiver = drained(ok, any_ledger, clock, rows=40)
    assert sorted(receiver.orders) == sorted(f"order-{number}" for number in range(40))
    assert set(line.states()) == {State.ACCEPTED}
    assert (report.ended, report.reason, report.claimed, report.requests, report.released) == (
        "drained",
        None,
        40,
        40,
        0,
    )
    assert (dict(report.outcomes), report.stale) == ({"accepted": 40}, 0)
    assert report.p50_ms is not None
    assert report.p95_ms is not None
    assert 0 < report.p50_ms <= report.p95_ms
    assert report.rows_per_second > 0
    assert (sum(report.course.accepted), report.parked, report.expired) == (40, 0, 0)
    assert report.p50_due_seconds is not None
    assert report.p99_ms is not None
    assert report.p95_ms <= report.p99_ms
    assert (report.oldest_due_at, report.next_due_at) == (None, None)


def test_an_empty_queue_ends_at_once(ledger: Ledger, clock: Clock) -> None:
    report, _, receiver = drained(ok, ledger, clock, rows=0)
    assert (report.ended, report.requests, report.p50_ms, receiver.hits) == ("drained", 0, None, [])


def test_an_attempt_row_tells_what_came_back(ledger: Ledger, clock: Clock) -> None:
    _, line, _ = drained(replying(400, "no such click: sub-0", Retry_After="7"), ledger, clock, rows=1)
    (attempt,) = line.attempts()
    assert (attempt.outcome, attempt.phase, attempt.http_status) == (Outcome.REJECTED, Phase.DONE, 400)
    assert (attempt.reason, attempt.reply_head) == (
        "rejected_when fits HTTP 400",
        "HTTP 400; Content-Type: text/plain",
    )


def test_a_wish_to_wait_is_kept_with_the_attempt(ledger: Ledger, clock: Clock) -> None:
    _, line, _ = drained(replying(503, Retry_After="120"), ledger, clock, rows=1)
    (attempt,) = line.attempts()
    assert attempt.finished_at is not None
    assert attempt.retry_after == attempt.finished_at + timedelta(seconds=120)
    assert re.fullmatch(
        r"HTTP 503; Content-Type: text/plain; Retry-After: until [0-9: -]+ UTC", attempt.reply_head or ""
    )


@pytest.mark.parametrize(
    ("answer", "state", "outcome"),
    [
        (replying(400), State.REJECTED, "rejected"),
        (replying(200, "<html>fine</html>"), State.PARKED, "unknown"),
        (replying(204), State.PARKED, "unknown"),
        (replying(500, "OK"), State.PARKED, "unknown"),
        (replying(302, Location="/elsewhere"), State.PARKED, "unknown"),
        (replying(200, "OK" * 100_000), State.PARKED, "unknown"),
        (reset, State.PARKED, "unknown"),
        (replying(409), State.PARKED, "duplicate"),
        (replying(429), State.RETRY, "later"),
        (replying(503), State.RETRY, "later"),
    ],
)
def test_without_deduplication_nothing_uncertain_is_sent_twice(
    ledger: Ledger, clock: Clock, answer: Answer, state: State, outcome: str
) -> None:
    report, line, receiver = drained(answer, ledger, clock, options=NOT_SOON)
    assert set(line.states()) == {state}
    assert dict(report.outcomes) == {outcome: 3}
    assert len(receiver.hits) == len(line.attempts()) == 3


@pytest.mark.parametrize("answer", [replying(500), reset])
def test_with_deduplication_what_is_uncertain_is_sent_again(ledger: Ledger, clock: Clock, answer: Answer) -> None:
    report, line, receiver = drained(answer, ledger, clock, kind=WEBHOOK, options=NOT_SOON)
    assert set(line.states()) == {State.RETRY}
    assert (dict(report.outcomes), len(receiver.hits)) == ({"unknown": 3}, 3)
    assert report.next_due_at is not None


def test_silence_past_the_deadline_is_unknown(ledger: Ledger, clock: Clock) -> None:
    report, line, receiver = drained(hang, ledger, clock, rows=2, options=SHORT)
    assert len(receiver.hits) == 2
    assert set(line.states()) == {State.PARKED}
    assert {(attempt.reason, attempt.phase) for attempt in line.attempts()} == {("the deadline passed", Phase.WRITTEN)}
    assert dict(report.outcomes) == {"unknown": 2}
    assert (report.parked, report.expired, report.p50_due_seconds) == (2, 0, None)


def test_a_receiver_that_is_not_there_was_sent_nothing(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line]:
        async with receiving(ok) as receiver:
            pass
        line = line_at(receiver.url, ledger, clock, options=NOT_SOON)
        line.enqueue(desired(1), desired(2))
        return await line.drain(), line

    report, line = asyncio.run(go())
    assert dict(report.outcomes) == {"not_sent": 2}
    assert set(line.states()) == {State.RETRY}
    assert {attempt.outcome for attempt in line.attempts()} == {Outcome.NOT_SENT}


def test_a_mixed_receiver_gives_every_row_its_own_verdict(ledger: Ledger, clock: Clock) -> None:
    replies = {"order-1": 400, "order-2": 500, "order-3": 503}

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(status=replies.get(request.query["tid"], 200), text="OK")

    report, line, _ = drained(answer, ledger, clock, rows=5, options=NOT_SOON)
    assert line.states() == [State.ACCEPTED, State.REJECTED, State.PARKED, State.RETRY, State.ACCEPTED]
    assert dict(report.outcomes) == {"accepted": 2, "rejected": 1, "unknown": 1, "later": 1}


def test_adjustments_follow_with_the_new_total(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[Line, Receiver]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock)
            for value, against in (("10.00", 0), ("7.50", 1), ("0", 2)):
                line.enqueue(desired(1, value, against))
                await line.drain()
            return line, receiver

    line, receiver = asyncio.run(go())
    assert [hit.path.partition("payout=")[2] for hit in receiver.hits] == [
        "10.00",
        "7.50&status=changed",
        "0.00&status=rejected",
    ]
    assert line.states() == [State.ACCEPTED] * 3


def test_a_wish_to_wait_holds_the_whole_destination_until_then(any_ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 3:
            return web.Response(status=429, headers={"Retry-After": "90"})
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, list[int], Line]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock, options="concurrency = 1\n")
            line.enqueue(*(desired(number) for number in range(10)))
            first = await line.drain()
            hits = [len(receiver.hits)]
            for seconds in (80, 20):
                await line.drain()
                clock.forward(seconds=seconds)
                await line.drain()
                hits.append(len(receiver.hits))
            clock.forward(hours=1)
            await line.drain()
            return first, [*hits, len(receiver.hits)], line

    report, hits, line = asyncio.run(go())
    assert (report.ended, report.reason, report.requests) == ("postponed", "retry_when fits HTTP 429", 3)
    assert report.released == report.claimed - 3
    assert report.next_due_at is not None
    assert timedelta(seconds=80) < report.next_due_at - datetime.now(UTC) < timedelta(seconds=100)
    # Before the instant nothing, after it the rest; the one that was put off adds its own jitter.
    assert (hits[0], hits[1], hits[3]) == (3, 3, 11)
    assert hits[2] in (10, 11)
    assert line.states() == [State.ACCEPTED] * 10
    # One attempt for each request, and one for each claim that was given back.
    assert len(line.attempts()) == hits[3] + report.released


def test_a_short_wish_to_wait_is_waited_for(ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 1:
            return web.Response(status=503, headers={"Retry-After": "1"})
        return web.Response(text="OK")

    async def go() -> tuple[DrainReport, Line]:
        async with receiving(answer) as receiver:
            options = "concurrency = 1\nretry = { first_seconds = 0.01 }\n"
            line = line_at(receiver.url, ledger, clock, options=options, linger_seconds=5)
            line.enqueue(desired(1), desired(2))
            return await line.drain(), line

    report, line = asyncio.run(go())
    assert (report.ended, report.reason, dict(report.outcomes)) == ("drained", None, {"later": 1, "accepted": 2})
    assert report.seconds > 0.9
    assert line.states() == [State.ACCEPTED] * 2


@pytest.mark.parametrize("answer", [replying(500), replying(503), replying(503, Retry_After="0"), reset])
def test_a_receiver_that_fails_again_and_again_is_left_alone(ledger: Ledger, clock: Clock, answer: Answer) -> None:
    report, line, receiver = drained(answer, ledger, clock, rows=60, options="concurrency = 4\n")
    assert len(receiver.hits) == FAILURES_TO_TRIP
    assert report.ended == "postponed"
    assert re.match(rf"{FAILURES_TO_TRIP} attempts in a row failed, the last one: ", report.reason or "")
    assert line.states().count(State.PENDING) == 60 - FAILURES_TO_TRIP
    (status,) = ledger.status().destinations
    assert status.not_before is not None
    assert status.not_before > clock()


def test_after_an_outage_one_real_postback_is_the_probe(ledger: Ledger, clock: Clock) -> None:
    flying, most, down = 0, [0], True

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        nonlocal flying
        flying += 1
        most.append(max(most.pop(), flying))
        await asyncio.sleep(0.01)
        flying -= 1
        return web.Response(status=500 if down else 200, text="OK")

    async def go() -> Line:
        nonlocal down
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, options="concurrency = 8\n")
            line.enqueue(*(desired(number) for number in range(40)))
            await line.drain()
            assert most == [1]
            down = False
            clock.forward(hours=1)
            await line.drain()
            return line

    line = asyncio.run(go())
    assert line.states().count(State.ACCEPTED) == 30
    assert most == [8]


def test_while_it_waits_it_probes_with_one_postback_at_a_time(ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(status=500 if len(receiver.hits) <= FAILURES_TO_TRIP + 3 else 200, text="OK")

    async def go() -> DrainReport:
        async with receiving(answer) as receiver:
            options = "concurrency = 8\nretry = { first_seconds = 0.05 }\n"
            line = line_at(receiver.url, ledger, clock, options=options, linger_seconds=5)
            line.enqueue(*(desired(number) for number in range(40)))
            return await line.drain()

    report = asyncio.run(go())
    assert dict(report.outcomes) == {"unknown": FAILURES_TO_TRIP + 3, "accepted": 40 - FAILURES_TO_TRIP - 3}
    assert (report.ended, report.reason) == ("drained", None)
    # Half of every wait is fixed, half of it is chance.
    assert report.seconds >= (0.05 + 0.1 + 0.2 + 0.4) / 2


def test_wrong_credentials_pause_the_destination_and_cost_no_attempt(any_ledger: Ledger, clock: Clock) -> None:
    token_is_good = False

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(text="OK") if token_is_good else web.Response(status=401)

    async def go() -> tuple[list[DrainReport], list[State], Line]:
        nonlocal token_is_good
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, any_ledger, clock)
            line.enqueue(*(desired(number) for number in range(20)))
            reports = [await line.drain(), await line.drain()]
            states = line.states()
            token_is_good = True
            any_ledger.resume(NAME, reason="new token", actor="ops")
            return [*reports, await line.drain()], states, line

    reports, states, line = asyncio.run(go())
    assert [(report.ended, report.requests) for report in reports] == [("paused", 1), ("paused", 0), ("drained", 20)]
    assert reports[0].reason == "pause_when fits HTTP 401"
    assert reports[1].reason == reports[0].reason
    assert set(states) == {State.PENDING}
    assert line.states() == [State.ACCEPTED] * 20
    # The attempt that was refused went out: its row says so, and it counts nowhere.
    refused, accepted = line.stories()[0].attempts
    assert (refused.outcome, refused.http_status, refused.phase) == (Outcome.REJECTED, 401, Phase.DONE)
    assert (refused.stale, accepted.stale, reports[0].stale) == (False, False, 0)
    assert reports[0].released == reports[0].claimed - 1
    back = line.stories()[0].history[2]
    assert (back.to_state, back.outcome, back.reason) == (State.PENDING, "rejected", "pause_when fits HTTP 401")


def test_a_missing_secret_pauses_before_anything_is_claimed(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, kind=WEBHOOK)
            line.environment = {}
            line.enqueue(desired(1))
            return await line.drain(), line

    report, line = asyncio.run(go())
    assert (report.ended, report.reason) == ("paused", "The environment variable CRM_SECRET is not set.")
    assert (report.claimed, line.states(), line.attempts()) == (0, [State.PENDING], [])
    (status,) = ledger.status().destinations
    assert (status.paused, status.pause_reason, status.paused_by) == (True, report.reason, "drain")


def test_a_useless_secret_pauses_and_is_not_shown(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, kind=WEBHOOK)
            line.environment = {"CRM_SECRET": "not base64!"}
            line.enqueue(desired(1))
            return await line.drain(), line, receiver

    report, line, receiver = asyncio.run(go())
    assert (report.ended, line.states(), receiver.hits) == ("paused", [State.PENDING], [])
    assert "CRM_SECRET holds no signing secret" in (report.reason or "")
    assert "not base64!" not in (report.reason or "")


def test_a_target_that_the_mode_forbids_pauses_the_destination(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line]:
        line = line_at("http://10.0.0.1:9", ledger, clock)
        line.enqueue(desired(1))
        return await line.drain(), line

    report, line = asyncio.run(go())
    assert (report.ended, report.reason) == ("paused", "mode test reaches loopback addresses only")
    assert line.states() == [State.PENDING]


def test_one_element_that_makes_no_request_stops_nobody_else(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(ok) as receiver:
            elsewhere = line_at("http://127.0.0.1:9", ledger, clock)
            elsewhere.enqueue(desired(1))
            line = line_at(receiver.url, ledger, clock)
            line.enqueue(desired(2), desired(3))
            return await line.drain(), line, receiver

    report, line, receiver = asyncio.run(go())
    assert line.states() == [State.REJECTED, State.ACCEPTED, State.ACCEPTED]
    assert dict(report.outcomes) == {"rejected": 1, "accepted": 2}
    assert (report.requests, sorted(receiver.orders)) == (2, ["order-2", "order-3"])
    (attempt,) = line.stories()[0].attempts
    assert "an origin that is no longer configured" in (attempt.reason or "")


def test_nothing_of_a_reply_or_a_request_is_kept(ledger: Ledger, clock: Clock) -> None:
    canary = "ada-canary"
    headers = {
        "Set-Cookie": canary,
        "X-Echo": canary,
        "Location": f"https://{canary}/",
        "Content-Type": f"text/{canary}",
    }

    async def echo(request: web.Request, receiver: Receiver) -> web.Response:
        status = [200, 302, 400, 429, 500, 503][len(receiver.hits) % 6]
        return web.Response(status=status, body=canary.encode(), headers=headers)

    async def go() -> str:
        async with receiving(echo) as receiver:
            line = line_at(receiver.url, ledger, clock)
            rows = [desired(number) for number in range(12)]
            line.enqueue(*(replace(row, facts=replace(row.facts, identifiers={"subid": canary})) for row in rows))
            await line.drain()
            return repr([(story.reason, story.attempts, story.history) for story in line.stories()])

    kept = asyncio.run(go())
    assert "HTTP 302" in kept
    assert canary not in kept
