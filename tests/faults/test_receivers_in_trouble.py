"""Rows 3 to 7 of the failure matrix: receivers that ask to wait, are down, too slow, or hang up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP
from postback_pipeline.ledger import Ledger, open_ledger
from postback_pipeline.model import Outcome, Phase, State
from tests.delivery.lines import WEBHOOK, Clock, desired, line_at
from tests.delivery.receivers import Answer, Changing, Receiver, ok, receiving, replying, reset
from tests.faults.oracle import PIXEL, Book, account, orders
from tests.faults.played import Play, once, play

SOON = "retry = { first_seconds = 0.01, max_seconds = 0.01 }\n"
DAY = 86_400


def not_before(ledger: Ledger) -> datetime | None:
    (status,) = ledger.status().destinations
    return status.not_before


def asking_to_wait(header: Callable[[], dict[str, str]], after: int = 0) -> Answer:
    """Says 429 once, after so many requests."""

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == after + 1:
            return web.Response(status=429, headers=header())
        return web.Response(text="OK")

    return answer


def waits(ledger: Ledger, clock: Clock, headers: dict[str, str]) -> float | None:
    """How long one 429 with these headers puts a destination off. Seconds; None: not at all."""
    played = once(asking_to_wait(lambda: headers), ledger, clock, 1, options="retry = { first_seconds = 3600 }\n")
    until = not_before(ledger)
    (attempt,) = played.stories[0].attempts
    assert attempt.retry_after == until
    return None if until is None or attempt.finished_at is None else (until - attempt.finished_at).total_seconds()


@pytest.mark.parametrize(
    ("text", "seconds"), [("1", 1), ("90", 90), ("3600", 3_600), ("1000000000", DAY), ("9" * 400, DAY)]
)
def test_row_03_seconds_are_honoured_in_full_up_to_a_day(
    ledger: Ledger, clock: Clock, text: str, seconds: float
) -> None:
    assert waits(ledger, clock, {"Retry-After": text}) == seconds


@pytest.mark.parametrize("text", ["-1", "NaN", "abc", "1e3", "", "inf"])
def test_row_03_what_is_no_number_of_seconds_is_an_ordinary_retry(ledger: Ledger, clock: Clock, text: str) -> None:
    assert waits(ledger, clock, {"Retry-After": text}) is None


def test_row_03_nobody_calls_before_the_instant_not_even_after_a_restart(
    any_ledger: Ledger, empty_url: str, clock: Clock
) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(10)
        await begun.drain()
        assert len(begun.book.hits) == 4
        # Another process, another day's worth of drains: the instant is the ledger's.
        with closing(open_ledger(empty_url, "test", clock=clock)) as reopened:
            begun.line.ledger = reopened
            await begun.drain(7, seconds=12)
            assert len(begun.book.hits) == 4, "84 of 90 seconds have passed"
            clock.forward(seconds=7)
            await begun.drain(3, seconds=60)
        assert begun.states == [State.ACCEPTED] * 10
        begun.account(10)

    options = "concurrency = 1\n" + SOON
    play(asking_to_wait(lambda: {"Retry-After": "90"}, after=3), any_ledger, clock, acts, options=options)


def test_row_03_other_destinations_go_on(any_ledger: Ledger, clock: Clock) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(3)
        await begun.drain()
        assert (begun.reports[-1].ended, len(begun.book.hits)) == ("postponed", 1)
        book = Book()
        async with receiving(book.noting(ok)) as receiver:
            other = line_at(receiver.url, any_ledger, clock, PIXEL, name="other")
            other.enqueue(*(desired(number) for number in range(5)))
            report = await other.drain()
            await begun.drain()
        assert (report.ended, other.states()) == ("drained", [State.ACCEPTED] * 5)
        assert len(book.hits) == 5
        account(other.stories(), book.hits, wanted=orders(5))
        assert len(begun.book.hits) == 1, "the one that asked still waits"

    play(asking_to_wait(lambda: {"Retry-After": "90"}), any_ledger, clock, acts, options="concurrency = 1\n")


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
@pytest.mark.parametrize("skew_hours", [0, -1, 1])
def test_row_04_dates_of_all_forms_count_by_the_receivers_own_clock(
    ledger: Ledger, clock: Clock, form: str, skew_hours: int
) -> None:
    theirs = datetime.now(UTC) + timedelta(hours=skew_hours)
    headers = {
        "Date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Retry-After": (theirs + timedelta(seconds=120)).strftime(form),
    }
    assert waits(ledger, clock, headers) == pytest.approx(120)


def test_row_04_a_date_in_the_past_means_now(ledger: Ledger, clock: Clock) -> None:
    past = (datetime.now(UTC) - timedelta(days=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    played = once(asking_to_wait(lambda: {"Retry-After": past}), ledger, clock, 1)
    (attempt,) = played.stories[0].attempts
    assert attempt.retry_after is not None
    assert attempt.finished_at is not None
    assert abs(attempt.retry_after - attempt.finished_at) < timedelta(seconds=1)
    assert (not_before(ledger) or clock()) <= clock()


def test_row_05_a_storm_costs_few_requests_and_no_postback_its_budget(any_ledger: Ledger, clock: Clock) -> None:
    """Ten minutes of 503 by the ledger's clock, looked at every ten seconds; then the receiver is back."""
    health = Changing(replying(503))
    flying, most = 0, 0

    async def answer(request: web.Request, receiver: Receiver) -> web.StreamResponse:
        nonlocal flying, most
        flying, most = flying + 1, max(most, flying + 1)
        await asyncio.sleep(0.002)
        flying -= 1
        return await health(request, receiver)

    async def acts(begun: Play) -> None:
        nonlocal most
        begun.fill(60)
        await begun.drain()
        assert len(begun.book.hits) <= FAILURES_TO_TRIP
        opened = len(begun.book.hits)
        most = 0
        await begun.drain(60, seconds=10)
        assert most <= 1, "while the breaker is open, one real postback at a time is the probe"
        assert len(begun.book.hits) - opened <= 60
        assert max(len(story.attempts) for story in begun.stories) < begun.line.rules.max_attempts
        assert all(story.state in (State.PENDING, State.RETRY) for story in begun.stories)
        health.answer = ok
        await begun.drain(12, seconds=600)
        assert set(begun.states) == {State.ACCEPTED}
        begun.account(60)

    play(answer, any_ledger, clock, acts, options="concurrency = 8\n")


def test_row_05_after_a_storm_it_ramps_up_within_its_rate(any_ledger: Ledger, clock: Clock) -> None:
    health = Changing(replying(503))
    flying = 0
    #: For each request of the drain after the storm: when it came, how many were answered by then, how many not.
    seen: list[tuple[float, int, int]] = []
    answered = 0

    async def answer(request: web.Request, receiver: Receiver) -> web.StreamResponse:
        nonlocal flying, answered
        flying += 1
        seen.append((time.monotonic(), answered, flying))
        # Long enough that at this rate more are in flight than one, were they let.
        await asyncio.sleep(0.05)
        flying -= 1
        answered += 1
        return await health(request, receiver)

    async def acts(begun: Play) -> None:
        nonlocal answered
        begun.fill(40)
        await begun.drain()
        assert State.ACCEPTED not in begun.states
        health.answer = ok
        answered = 0
        seen.clear()
        clock.forward(hours=2)
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 40
        begun.account(40)

    play(answer, any_ledger, clock, acts, options="concurrency = 8\nrate = 100\n" + SOON)
    assert len(seen) == 40
    # The first one is a probe; every answer then lets one more be in flight, up to what is configured.
    assert [in_flight for _, _, in_flight in seen[:2]] == [1, 1]
    assert all(in_flight <= min(8, 1 + answers) for _, answers, in_flight in seen)
    assert max(in_flight for _, _, in_flight in seen) > 2
    # A receiver's clock against the sender's: a request may be read late, so not each gap but their sum is bounded.
    assert seen[-1][0] - seen[0][0] >= (len(seen) - 1) / 100 - 0.1


def dripping(head: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Reads a request and then answers one byte at a time, without an end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return serve


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_row_06_a_reply_that_drips_ends_at_the_deadline_and_holds_up_nobody_else(
    any_ledger: Ledger, clock: Clock, head: bytes
) -> None:
    async def go() -> None:
        book = Book()
        server = await asyncio.start_server(dripping(head), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, receiving(book.noting(ok)) as healthy:
            slow = line_at(url, any_ledger, clock, PIXEL, "deadline_seconds = 1.5\n")
            slow.enqueue(desired(0))
            dripped = asyncio.create_task(slow.drain())
            await asyncio.sleep(0.05)
            other = line_at(healthy.url, any_ledger, clock, PIXEL, name="other")
            other.enqueue(*(desired(number) for number in range(50)))
            await other.drain()
            assert len(book.hits) == 50
            assert not dripped.done(), "fifty postbacks went to another destination meanwhile"
            await dripped
            (story,) = slow.stories()
            (attempt,) = story.attempts
            assert (story.state, attempt.outcome, attempt.reason) == (
                *(State.PARKED, Outcome.UNKNOWN),
                "the deadline passed",
            )

    asyncio.run(go())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_row_07_a_reset_after_the_request_is_one_request_and_unknown(
    any_ledger: Ledger, clock: Clock, method: str
) -> None:
    kind = PIXEL if method == "GET" else PIXEL.replace("[conversion]", 'method = "POST"\n[conversion]')
    played = once(reset, any_ledger, clock, 3, kind=kind)
    assert len(played.book.hits) == 3
    assert [hit.method for hit in played.receiver.hits] == [method] * 3
    assert played.states == [State.PARKED] * 3
    assert {attempt.outcome for attempt in played.line.attempts()} == {Outcome.UNKNOWN}
    assert {attempt.phase for attempt in played.line.attempts()} <= {Phase.HEAD, "written"}


def test_row_07_a_reset_where_the_receiver_deduplicates_is_one_request_per_attempt(
    any_ledger: Ledger, clock: Clock
) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(3)
        await begun.drain(3, hours=3)
        assert len(begun.book.hits) == len(begun.line.attempts()) >= 9
        account(begun.stories, begun.book.hits, deduplicates=True, wanted=orders(3))

    play(reset, any_ledger, clock, acts, kind=WEBHOOK)


def test_row_07_a_reset_on_a_kept_connection_is_no_second_request_either(any_ledger: Ledger, clock: Clock) -> None:
    async def every_other(request: web.Request, receiver: Receiver) -> web.StreamResponse:
        answer = ok if len(receiver.hits) % 2 else reset
        return await answer(request, receiver)

    played = once(every_other, any_ledger, clock, 8, options="concurrency = 1\n")
    assert len(played.book.hits) == 8
    assert played.states.count(State.PARKED) == 4
