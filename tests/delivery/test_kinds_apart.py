"""A receiver whose requests hold postbacks of one kind only: conversions here, reversals there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiohttp import web

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations.batch_webhook import BatchWebhook
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Kind, State
from tests.delivery.lines import NAME, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, receiving

KIND = """
type = "batch_webhook"
url = "URL/batch"
secret_env = "CRM_SECRET"
concurrency = 1
batch_rows = 4
"""
#: Orders that were told before, and are restated or taken back beside new ones.
TOLD = range(6)
NEW = range(10, 20)


def apart(line: Line) -> Line:
    """The same line to a receiver that wants kinds apart."""
    destination = BatchWebhook.from_settings(NAME, line.settings)
    destination.capabilities = replace(destination.capabilities, mixes_kinds=False)
    return replace(line, destination=destination)


def sent(receiver: Receiver) -> list[tuple[set[str], int]]:
    """Of every request its kinds and how many postbacks it held."""
    requests = [json.loads(hit.body)["postbacks"] for hit in receiver.hits]
    return [({each["type"] for each in request}, len(request)) for request in requests]


def drained(ledger: Ledger, clock: Clock, refuses: Callable[[str], bool]) -> tuple[DrainReport, Line, Receiver]:
    """A drain of a mixed queue; the receiver refuses a request whole where kinds mix, or where one order is bad."""

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        postbacks = json.loads(receiver.hits[-1].body)["postbacks"]
        if len({each["type"] for each in postbacks}) > 1 or any(refuses(each["transaction_id"]) for each in postbacks):
            return web.Response(status=422)
        results = [{"key": each["key"], "status": "accepted"} for each in postbacks]
        return web.json_response({"results": results})

    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = apart(line_at(receiver.url, ledger, clock, KIND))
            line.enqueue(*(desired(number) for number in TOLD))
            await line.drain()
            receiver.hits.clear()
            # What is told anew lies among what is told first, by key.
            changed = [desired(number, "0" if number % 2 else "4.00", against=1) for number in TOLD]
            line.enqueue(*changed, *(desired(number) for number in NEW))
            return await line.drain(), line, receiver

    return asyncio.run(go())


def test_every_request_holds_one_kind_and_is_as_full_as_the_queue_allows(any_ledger: Ledger, clock: Clock) -> None:
    report, line, receiver = drained(any_ledger, clock, lambda order: False)
    assert sorted((min(kinds), count) for kinds, count in sent(receiver)) == [
        *[("conversion", 2), ("conversion", 4), ("conversion", 4)],
        *[("restatement", 3), ("retraction", 3)],
    ]
    assert {len(kinds) for kinds, _ in sent(receiver)} == {1}
    assert dict(report.outcomes) == {"accepted": len(TOLD) + len(NEW)}
    assert (report.bisect_requests, set(line.states())) == (0, {State.ACCEPTED})


@pytest.mark.parametrize("bad", ["order-13", "order-17"])
def test_a_batch_of_one_kind_is_still_taken_apart(ledger: Ledger, clock: Clock, bad: str) -> None:
    report, line, receiver = drained(ledger, clock, lambda order: order == bad)
    assert {len(kinds) for kinds, _ in sent(receiver)} == {1}
    rejected = [story for story in line.stories() if story.state is State.REJECTED]
    assert [(story.transaction_id, story.kind) for story in rejected] == [(bad, Kind.CONVERSION)]
    assert dict(report.outcomes) == {"accepted": len(TOLD) + len(NEW) - 1, "rejected": 1}
    assert report.bisect_requests > 0
