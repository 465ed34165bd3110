"""A worker that dies between sending and recording: what its successor may do."""

from __future__ import annotations

import asyncio

from aiohttp import web

from postback_pipeline.delivery.clock import now
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.transport import WireTransport
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Outcome, State
from tests.delivery.lines import NAME, TRACKER, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, receiving


async def send_and_die(line: Line, rows: int) -> None:
    """Claims, sends, and records nothing."""
    claims = line.ledger.claim(NAME, rows, lease_seconds=60, owner="the dead", rules=line.rules)
    async with WireTransport("loopback") as transport:
        sender = Sender(line.destination, transport, 5, line.environment, line.clock)
        for claim in claims:
            judgement = await sender.attempt([claim], now())
            assert [result.outcome for result in judgement.results] == [Outcome.ACCEPTED]


def after_a_death(ledger: Ledger, clock: Clock, kind: str) -> tuple[Line, Receiver, list[int]]:
    async def go() -> tuple[Line, Receiver, list[int]]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, kind)
            line.enqueue(*(desired(number) for number in range(4)))
            await send_and_die(line, 3)
            hits = []
            for minutes in (0, 2, 2):
                clock.forward(minutes=minutes)
                await line.drain()
                hits.append(len(receiver.hits))
            return line, receiver, hits

    return asyncio.run(go())


def test_a_receiver_that_deduplicates_gets_the_same_bytes_under_the_same_id(any_ledger: Ledger, clock: Clock) -> None:
    line, receiver, hits = after_a_death(any_ledger, clock, WEBHOOK)
    # While the lease holds, only the fourth leaves; afterwards the three leave again, and then nothing more.
    assert hits == [4, 4, 7] or hits == [4, 7, 7]
    first, again = receiver.hits[:3], receiver.hits[4:]
    assert sorted((hit.headers["webhook-id"], hit.body) for hit in first) == sorted(
        (hit.headers["webhook-id"], hit.body) for hit in again
    )
    assert line.states() == [State.ACCEPTED] * 4
    outcomes = [[attempt.outcome for attempt in story.attempts] for story in line.stories()]
    assert outcomes == [[Outcome.UNKNOWN, Outcome.ACCEPTED]] * 3 + [[Outcome.ACCEPTED]]


def test_one_that_does_not_is_left_to_a_person(any_ledger: Ledger, clock: Clock) -> None:
    line, _, hits = after_a_death(any_ledger, clock, TRACKER)
    assert hits == [4, 4, 4]
    assert line.states() == [State.PARKED] * 3 + [State.ACCEPTED]


def test_a_duplicate_is_believed_only_after_an_unknown_attempt_of_ours(ledger: Ledger, clock: Clock) -> None:
    kind = TRACKER.replace('"url_template"', '"url_template"\ndeduplicates = true')
    known: set[str] = {"order-3"}

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        order = request.query["tid"]
        status = 409 if order in known else 200
        known.add(order)
        return web.Response(status=status, text="OK")

    async def go() -> Line:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, kind)
            line.enqueue(desired(1))
            await send_and_die(line, 1)
            line.enqueue(desired(2), desired(3))
            for _ in range(3):
                await line.drain()
                clock.forward(minutes=2)
            return line

    line = asyncio.run(go())
    assert line.states() == [State.ACCEPTED, State.ACCEPTED, State.PARKED]
    assert [story.reason for story in line.stories()][2] == "conflict"
