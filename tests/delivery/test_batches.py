"""Batches: one verdict per postback, and a batch that is rejected as a whole is taken apart in the same run."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from postback_pipeline.model import Desired, Outcome, State
from tests.delivery.lines import BATCH, Clock, Line, desired, line_at
from tests.delivery.receivers import Answer, Receiver, receiving, replying, reset

Say = Callable[[list[str]], web.Response]


def row(number: int, **changes: Any) -> Desired:
    """A row whose key comes in its order as text, too: the ledger counts on that order alone."""
    return desired(1_000 + number, **changes)


def orders(body: bytes) -> list[str]:
    return [str(postback["transaction_id"]) for postback in json.loads(body)["postbacks"]]


def sent(receiver: Receiver) -> list[list[str]]:
    """The orders of every request."""
    return [orders(hit.body) for hit in receiver.hits]


def saying(say: Callable[[list[str]], web.Response]) -> Answer:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return say(orders(receiver.hits[-1].body))

    return answer


def results(received: list[str], **words: str) -> web.Response:
    """`accepted` for every order, unless another word is given for it."""
    found = [{"key": f"purchase:{o}.1", "status": words.get(o.replace("-", "_"), "accepted")} for o in received]
    return web.json_response({"results": found})


def refusing(*bad: str) -> Answer:
    """Rejects every request that holds one of these orders as a whole, and takes the others."""

    def say(received: list[str]) -> web.Response:
        return web.Response(status=422) if set(bad) & set(received) else results(received)

    return saying(say)


def drained(
    answer: Answer, ledger: Ledger, clock: Clock, rows: int, options: str = "", **delivery: Any
) -> tuple[DrainReport, Line, Receiver]:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, BATCH, options, **delivery)
            line.enqueue(*(row(number) for number in range(rows)))
            return await line.drain(), line, receiver

    return asyncio.run(go())


def test_full_batches_leave_and_every_postback_gets_its_own_verdict(any_ledger: Ledger, clock: Clock) -> None:
    def say(received: list[str]) -> web.Response:
        return results(received, order_1003="rejected", order_1005="retry", order_1007="duplicate")

    report, line, receiver = drained(saying(say), any_ledger, clock, 25, "batch_rows = 10\n")
    assert sorted(itertools.chain(*sent(receiver))) == sorted(f"order-{1_000 + number}" for number in range(25))
    assert [len(each) for each in sent(receiver)] == [10, 10, 5]
    assert dict(report.outcomes) == {"accepted": 22, "rejected": 1, "later": 1, "duplicate": 1}
    assert [line.states()[number] for number in (3, 5, 7)] == [State.REJECTED, State.RETRY, State.PARKED]
    assert (report.requests, report.bisect_requests) == (3, 0)


def test_a_batch_holds_no_more_bytes_than_it_may(ledger: Ledger, clock: Clock) -> None:
    report, _, receiver = drained(saying(results), ledger, clock, 30, "batch_bytes = 2000\n")
    sizes = [len(hit.body) - len('{"postbacks":[]}') - len(orders(hit.body)) + 1 for hit in receiver.hits]
    assert dict(report.outcomes) == {"accepted": 30}
    assert all(1_000 < size <= 2_000 for size in sizes[:-1])
    assert max(len(each) for each in sent(receiver)) > 1


def test_an_element_that_alone_is_too_long_by_now_is_a_final_no(ledger: Ledger, clock: Clock) -> None:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(saying(results)) as receiver:
            wide = line_at(receiver.url, ledger, clock, BATCH)
            wide.enqueue(row(0), row(1), row(2, event_name="purchase" * 300))
            narrow = line_at(receiver.url, ledger, clock, BATCH, "batch_bytes = 1024\n")
            return await narrow.drain(), narrow, receiver

    report, line, receiver = asyncio.run(go())
    assert line.states() == [State.ACCEPTED, State.ACCEPTED, State.REJECTED]
    assert "longer than a request may be" in (line.stories()[2].reason or "")
    assert sorted(itertools.chain(*sent(receiver))) == ["order-1000", "order-1001"]
    assert dict(report.outcomes) == {"accepted": 2, "rejected": 1}


@pytest.mark.parametrize(
    "answer", [replying(200, "OK"), replying(500), reset, saying(lambda received: results(received[1:]))]
)
def test_a_reply_without_a_verdict_for_each_is_unknown_for_all(ledger: Ledger, clock: Clock, answer: Answer) -> None:
    options = "deduplicates = false\nbatch_rows = 10\nconcurrency = 1\n"
    report, line, receiver = drained(answer, ledger, clock, 10, options)
    assert (set(line.states()), len(receiver.hits)) == ({State.PARKED}, 1)
    assert dict(report.outcomes) == {"unknown": 10}


@pytest.mark.parametrize("bad", [0, 500, 999])
def test_one_to_blame_among_a_thousand_costs_at_most_twenty_requests(ledger: Ledger, clock: Clock, bad: int) -> None:
    report, line, receiver = drained(refusing(f"order-{1_000 + bad}"), ledger, clock, 1_000)
    assert Counter(line.states()) == {State.ACCEPTED: 999, State.REJECTED: 1}
    assert line.states()[bad] is State.REJECTED
    assert dict(report.outcomes) == {"accepted": 999, "rejected": 1}
    assert len(receiver.hits) == report.requests == report.bisect_requests + 1
    assert 10 <= report.bisect_requests <= 20


def test_every_request_of_every_postback_has_an_attempt(any_ledger: Ledger, clock: Clock) -> None:
    _, line, receiver = drained(refusing("order-1002", "order-1011"), any_ledger, clock, 16, "batch_rows = 16\n")
    hits = Counter(itertools.chain(*sent(receiver)))
    attempts = {story.transaction_id: len(story.attempts) for story in line.stories()}
    # A half whose other half was clean is not sent once more, but parted: it has begun an attempt all the same.
    assert attempts == dict(hits)
    for story in line.stories():
        outcomes = [attempt.outcome for attempt in story.attempts]
        assert outcomes[:-1] == [Outcome.REJECTED] * (len(outcomes) - 1)
        assert story.state is (
            State.REJECTED if story.transaction_id in ("order-1002", "order-1011") else State.ACCEPTED
        )


def test_the_last_one_to_blame_is_asked_about_alone(ledger: Ledger, clock: Clock) -> None:
    # It takes five at a time and nothing is wrong with any of them: no postback may be blamed by elimination.
    def say(received: list[str]) -> web.Response:
        return web.Response(status=413) if len(received) > 5 else results(received)

    report, line, _ = drained(saying(say), ledger, clock, 40)
    assert set(line.states()) == {State.ACCEPTED}
    assert dict(report.outcomes) == {"accepted": 40}


def test_rejections_that_are_told_one_by_one_are_not_looked_for(ledger: Ledger, clock: Clock) -> None:
    def say(received: list[str]) -> web.Response:
        return results(received, **{order.replace("-", "_"): "rejected" for order in received})

    report, line, receiver = drained(saying(say), ledger, clock, 20)
    assert (set(line.states()), len(receiver.hits), report.bisect_requests) == ({State.REJECTED}, 1, 0)


def test_what_is_not_found_when_the_drain_is_stopped_goes_back(any_ledger: Ledger, clock: Clock) -> None:
    stop = asyncio.Event()

    def say(received: list[str]) -> web.Response:
        if len(received) < 32:
            stop.set()
        return web.Response(status=422) if "order-1040" in received else results(received)

    async def go() -> tuple[DrainReport, Line]:
        async with receiving(saying(say)) as receiver:
            line = line_at(receiver.url, any_ledger, clock, BATCH, "concurrency = 1\n")
            line.enqueue(*(row(number) for number in range(64)))
            return await line.drain(stop=stop), line

    report, line = asyncio.run(go())
    assert report.ended == "stopped"
    assert set(line.states()) == {State.ACCEPTED, State.RETRY}
    assert report.released == line.states().count(State.RETRY)
    assert line.states()[40] is State.RETRY

    async def once_more() -> DrainReport:
        async with receiving(refusing("order-1040")) as receiver:
            again = line_at(receiver.url, any_ledger, clock, BATCH)
            return await again.drain()

    clock.forward(hours=1)
    asyncio.run(once_more())
    assert Counter(line.states()) == {State.ACCEPTED: 63, State.REJECTED: 1}


def test_what_has_expired_leaves_before_the_batch_is_made(ledger: Ledger, clock: Clock) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        await asyncio.sleep(1.1 if len(receiver.hits) == 1 else 0)
        return results(orders(receiver.hits[-1].body))

    async def go() -> tuple[Line, Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, BATCH, "batch_rows = 4\nconcurrency = 1\n")
            soon = clock() + timedelta(seconds=1)
            line.enqueue(*(row(number) for number in range(8)))
            line.enqueue(row(8, expires_at=soon), *(row(9 + n, expires_at=soon) for n in range(4)))
            await line.drain()
            return line, receiver

    line, receiver = asyncio.run(go())
    # The soonest to expire left first; the one of them that found no room was too late for the next batch.
    assert sent(receiver)[0] == [f"order-{1_000 + number}" for number in (8, 9, 10, 11)]
    assert "order-1012" not in set(itertools.chain(*sent(receiver)))
    assert line.states()[12] in (State.PENDING, State.EXPIRED)
    assert line.states().count(State.ACCEPTED) == 12


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger; copying it is faster than making one."""
    file = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    create_ledger(f"sqlite:///{file}", "test")
    return file


@given(bad=st.sets(st.integers(0, 29)), rows=st.integers(1, 30), batch=st.integers(1, 31))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_10_exactly_those_to_blame_are_rejected_and_the_others_accepted(
    template: Path, tmp_path_factory: pytest.TempPathFactory, bad: set[int], rows: int, batch: int
) -> None:
    file = shutil.copyfile(template, tmp_path_factory.mktemp("row") / "ledger.sqlite")
    blamed = [f"order-{1_000 + number}" for number in bad]
    with open_ledger(f"sqlite:///{file}", "test") as ledger:
        _, line, _ = drained(refusing(*blamed), ledger, Clock(), rows, f"batch_rows = {batch}\n")
        assert line.states() == [State.REJECTED if number in bad else State.ACCEPTED for number in range(rows)]


def test_a_long_reply_to_a_long_batch_is_read_to_its_end(ledger: Ledger, clock: Clock) -> None:
    def say(received: list[str]) -> web.Response:
        found = [{"key": f"purchase:{o}.1", "status": "accepted", "note": "x" * 400} for o in received]
        return web.json_response({"results": found})

    report, _, receiver = drained(saying(say), ledger, clock, 250)
    assert (dict(report.outcomes), len(receiver.hits)) == ({"accepted": 250}, 1)
