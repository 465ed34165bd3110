"""A receiver that documents how long a postback must wait: that one waits, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations.base import Element, Reading, Reply, Verdict
from postback_pipeline.destinations.batch_webhook import BatchWebhook
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import State
from tests.delivery.lines import NAME, Clock, Line, desired, line_at
from tests.delivery.receivers import Answer, Receiver, receiving

WAIT = timedelta(hours=6)
KIND = """
type = "batch_webhook"
url = "URL/batch"
secret_env = "CRM_SECRET"
concurrency = 1
retry = { first_seconds = 1, max_seconds = 1 }
"""


class WaitsForClicks(BatchWebhook):
    """Says of a click that it does not know yet that it must be six hours old, as some networks document."""

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """As its parent, with the wait."""
        return [
            Verdict(verdict.reading, "too_recent", wait=WAIT) if verdict.reading is Reading.RETRY else verdict
            for verdict in super().read(reply, elements)
        ]


def answering(*too_recent: str, **headers: str) -> Answer:
    """Takes every order but these; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        sent = json.loads(receiver.hits[-1].body)["postbacks"]
        results = [
            {
                "key": f"purchase:{each['transaction_id']}.1",
                "status": "retry" if each["transaction_id"] in too_recent else "accepted",
            }
            for each in sent
        ]
        return web.json_response({"results": results}, headers=named)

    return answer


def drained(
    answer: Answer, ledger: Ledger, clock: Clock, rows: int, options: str = "", **delivery: Any
) -> tuple[DrainReport, Line, Receiver]:
    async def go() -> tuple[DrainReport, Line, Receiver]:
        async with receiving(answer) as receiver:
            line = line_at(receiver.url, ledger, clock, KIND, options, **delivery)
            line = replace(line, destination=WaitsForClicks.from_settings(NAME, line.settings))
            line.enqueue(*(desired(number) for number in range(rows)))
            return await line.drain(), line, receiver

    return asyncio.run(go())


def test_a_postback_waits_as_documented_and_its_batch_and_destination_do_not(any_ledger: Ledger, clock: Clock) -> None:
    before = datetime.now(UTC)
    report, line, receiver = drained(answering("order-1"), any_ledger, clock, 5, "batch_rows = 3\n")
    after = datetime.now(UTC)
    assert (report.ended, dict(report.outcomes), len(receiver.hits)) == ("drained", {"accepted": 4, "later": 1}, 2)
    assert line.states() == [State.ACCEPTED, State.RETRY, *[State.ACCEPTED] * 3]
    # The usual backoff comes on top: here less than a second.
    assert report.next_due_at is not None
    assert before + WAIT <= report.next_due_at <= after + WAIT + timedelta(seconds=1)
    (status,) = any_ledger.status().destinations
    assert status.not_before is None


def test_it_is_sent_once_the_wait_is_over_and_not_before(ledger: Ledger, clock: Clock) -> None:
    _, line, _ = drained(answering("order-0"), ledger, clock, 1)

    async def once_more(hours: float) -> int:
        clock.forward(hours=hours)
        async with receiving(answering()) as receiver:
            again = line_at(receiver.url, ledger, clock, KIND)
            await again.drain()
            return len(receiver.hits)

    assert [asyncio.run(once_more(hours)) for hours in (5.9, 0.2)] == [0, 1]
    assert line.states() == [State.ACCEPTED]


def test_a_retry_after_in_the_reply_counts_for_more(ledger: Ledger, clock: Clock) -> None:
    report, _, _ = drained(answering("order-0", Retry_After="90"), ledger, clock, 1)
    assert report.next_due_at is not None
    assert timedelta(seconds=80) < report.next_due_at - datetime.now(UTC) < timedelta(seconds=92)


def test_however_many_come_too_early_the_receiver_is_not_in_doubt(ledger: Ledger, clock: Clock) -> None:
    rows = 3 * FAILURES_TO_TRIP
    early = [f"order-{number}" for number in range(rows)]
    report, line, receiver = drained(answering(*early), ledger, clock, rows, "batch_rows = 1\n")
    assert (report.ended, len(receiver.hits)) == ("drained", rows)
    assert set(line.states()) == {State.RETRY}
    (status,) = ledger.status().destinations
    assert (status.not_before, status.paused) == (None, False)
