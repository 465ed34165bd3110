"""Receivers that judge later: accepted is not processed, and what nobody confirms stays unconfirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations.base import (
    Capabilities,
    Element,
    LaterVerdict,
    Reading,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.ledger import Ledger, Selection
from postback_pipeline.model import Later, Postback, Resolution, State
from postback_pipeline.settings import Delivery, DestinationSettings
from tests.delivery.lines import NAME, Clock, Line, desired
from tests.delivery.receivers import Receiver, receiving

ORDERS = 3


class Later3(Vendor):
    """Takes three at a time, gives a receipt for them, and a verdict in one word."""

    type = "later"
    contract = Contract("Later", "", "", "A receipt.", "Any.", "Both.", "None.")
    home = "https://later.example"
    can = Capabilities(restatement=True, retraction=True, batch_rows=3, judges_later=True)

    def element(self, postback: Postback, person: Person) -> str:
        return postback.key

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        return Request("POST", f"{self.base}/events", {}, "\n".join(each.text for each in elements).encode())

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        return [Verdict(Reading.ACCEPTED, "taken", receipt=reply.body.decode())] * len(elements)

    def inquiry(self, receipt: str, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        return Request("GET", f"{self.base}/verdicts/{receipt}", {})

    def read_inquiry(self, reply: Reply, count: int) -> LaterVerdict | None:
        assert count > 0
        word = reply.body.decode()
        return None if reply.status != 200 else LaterVerdict(Later(word), f"said_{word}")


@dataclass
class Judge:
    """Says `verdict` about whatever it is asked; of receipts in `unlike`, with that status instead."""

    verdict: str = "pending"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    unlike: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    taken: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request, receiver: Receiver) -> web.StreamResponse:
        if request.method == "POST":
            self.taken.append(receiver.hits[-1].body.decode())
            return web.Response(text=f"r-{len(self.taken)}")
        self.asked += 1
        status = self.unlike.get(request.path.rpartition("/")[2], self.status)
        return web.Response(text=self.verdict, status=status, headers=self.headers)


Story = Callable[[Line, Judge], Any]


def told(story: Story, ledger: Ledger, clock: Clock, *, orders: int = ORDERS, **options: Any) -> None:
    """Runs a story with a destination whose orders were just accepted."""

    async def run() -> None:
        judge = Judge()
        async with receiving(judge.answer) as receiver:
            table: dict[str, Any] = {"type": "later", "base_url": receiver.url, **options}
            settings = DestinationSettings(**table)
            delivery = Delivery().model_copy(update={"linger_seconds": 0})
            line = Line(Later3.from_settings(NAME, settings), settings, ledger, clock, delivery, {})
            line.enqueue(*(desired(number) for number in range(orders)))
            await line.drain()
            assert line.states() == [State.ACCEPTED] * orders
            await story(line, judge)

    asyncio.run(run())


async def waited(line: Line, **amount: float) -> DrainReport:
    line.clock.forward(**amount)
    return await line.drain()


def test_what_was_accepted_is_processed_when_the_receiver_says_so(any_ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict = "processed"
        assert (await line.drain()).judged == judge.asked == 0
        assert any_ledger.due([NAME])[NAME].inquiries == 0
        line.clock.forward(minutes=3)
        due = any_ledger.due([NAME])[NAME]
        assert (due.inquiries, due.count) == (1, 0)
        assert (await line.drain()).judged == ORDERS
        assert line.states() == [State.PROCESSED] * ORDERS
        assert {story.reason for story in line.stories()} == {"said_processed"}
        assert (await waited(line, days=2)).judged == 0
        assert judge.asked == 1

    told(story, any_ledger, clock)


def test_an_adjustment_waits_for_its_conversion_to_be_processed(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        line.enqueue(desired(0, "7.00", against=1))
        await line.drain()
        assert line.states() == [State.ACCEPTED] * ORDERS + [State.HELD]
        judge.verdict = "processed"
        await waited(line, minutes=3)
        assert line.states() == [State.PROCESSED] * ORDERS + [State.ACCEPTED]
        assert judge.taken[-1] == "purchase:order-0.2"

    told(story, ledger, clock)


def test_what_is_rejected_later_is_rejected(any_ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict = "rejected"
        assert (await waited(line, minutes=3)).judged == ORDERS
        assert {(story.state, story.reason) for story in line.stories()} == {(State.REJECTED, "said_rejected")}

    told(story, any_ledger, clock)


def test_counts_without_names_leave_all_unconfirmed_and_are_not_asked_for_again(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict = "unconfirmed"
        await waited(line, minutes=3)
        found = {(story.state, story.reason) for story in line.stories()}
        assert found == {(State.ACCEPTED, "unconfirmed: said_unconfirmed")}
        await waited(line, days=1)
        assert judge.asked == 1

    told(story, ledger, clock)


@pytest.mark.parametrize(("verdict", "status"), [("pending", 200), ("processed", 503), ("no word of ours", 200)])
def test_what_is_no_verdict_yet_is_asked_for_less_and_less_often(
    ledger: Ledger, clock: Clock, verdict: str, status: int
) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict, judge.status = verdict, status
        asked = []
        for _ in range(60):
            await waited(line, minutes=2)
            asked.append(judge.asked)
        assert asked[0] == 1
        # After 2, 6, 14, 30, 62 and 126 minutes, as the drains come by.
        assert 5 <= asked[-1] <= 6
        assert line.states() == [State.ACCEPTED] * ORDERS

    told(story, ledger, clock)


def test_an_adjustment_of_what_stays_unconfirmed_leaves_when_a_person_says_so(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        line.enqueue(desired(0, "7.00", against=1))
        judge.verdict = "unconfirmed"
        report = await waited(line, minutes=3)
        assert (line.states(), report.parked) == ([State.ACCEPTED] * ORDERS + [State.PARKED], 1)
        parked = Selection(destination=NAME, reason="parent_unconfirmed")
        line.ledger.resolve(parked, Resolution.RESEND, actor="ada", reason="all seen in the console")
        judge.verdict = "processed"
        await line.drain()
        assert judge.taken[-1] == "purchase:order-0.2"
        await waited(line, minutes=3)
        assert line.states() == [State.ACCEPTED] * ORDERS + [State.PROCESSED]

    told(story, ledger, clock)


def test_a_receiver_that_never_judges_leaves_all_unconfirmed(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        await waited(line, days=13)
        assert {story.reason for story in line.stories()} == {"taken"}
        await waited(line, days=2)
        found = {(story.state, story.reason) for story in line.stories()}
        assert found == {(State.ACCEPTED, "unconfirmed: no_verdict")}
        assert ledger.due([NAME])[NAME].inquiries == 0

    told(story, ledger, clock)


@pytest.mark.parametrize("status", [404, 410])
def test_a_receiver_that_does_not_know_what_it_took_leaves_it_unconfirmed(
    any_ledger: Ledger, clock: Clock, status: int
) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.status = status
        await waited(line, days=13)
        assert {story.reason for story in line.stories()} == {"taken"}
        await waited(line, days=2)
        found = {(story.state, story.reason) for story in line.stories()}
        assert found == {(State.ACCEPTED, "unconfirmed: not_found")}
        assert any_ledger.due([NAME])[NAME].inquiries == 0

    told(story, any_ledger, clock)


def test_many_that_it_does_not_know_keep_it_from_nothing(any_ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict = "processed"
        judge.unlike = {f"r-{number}": 404 for number in range(1, 16)}
        await waited(line, minutes=3)
        assert judge.asked == 20
        assert line.states().count(State.PROCESSED) == 5 * 3
        judge.unlike = {}
        await waited(line, minutes=10)
        assert set(line.states()) == {State.PROCESSED}

    told(story, any_ledger, clock, orders=60)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_no_answer_is_no_verdict_however_long_it_lasts(ledger: Ledger, clock: Clock, status: int) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.status = status
        for _ in range(3):
            await waited(line, days=10)
        assert {story.reason for story in line.stories()} == {"taken"}
        judge.verdict, judge.status = "processed", 200
        await waited(line, days=1)
        assert line.states() == [State.PROCESSED] * ORDERS

    told(story, ledger, clock)


def test_a_receiver_that_does_not_answer_is_asked_a_few_times_only_and_all_the_rest_later(
    any_ledger: Ledger, clock: Clock
) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.status = 503
        await waited(line, minutes=3)
        assert 3 <= judge.asked <= 6
        assert any_ledger.due([NAME])[NAME].inquiries == 0
        judge.verdict, judge.status = "processed", 200
        await waited(line, hours=1)
        assert set(line.states()) == {State.PROCESSED}

    told(story, any_ledger, clock, orders=60)


def test_a_paused_destination_is_asked_nothing(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        ledger.pause(NAME, reason="their audit", actor="ada")
        assert (await waited(line, minutes=3)).ended == "paused"
        assert judge.asked == 0

    told(story, ledger, clock)


def test_a_destination_that_is_put_off_is_asked_nothing_and_wakes_nobody(any_ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        line.clock.forward(minutes=3)
        any_ledger.postpone(NAME, any_ledger.now() + timedelta(hours=1), "too many failures")
        assert any_ledger.due([NAME])[NAME].inquiries == 0
        await line.drain()
        assert judge.asked == 0
        await waited(line, hours=2)
        assert judge.asked == 1

    told(story, any_ledger, clock)


def test_a_wish_to_wait_is_heeded_where_a_question_brings_it(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.status, judge.headers = 429, {"Retry-After": "3600"}
        line.clock.forward(minutes=3)
        line.enqueue(desired(99))
        assert (await line.drain()).ended == "postponed"
        assert len(judge.taken) == 1
        judge.status, judge.headers = 200, {}
        await waited(line, hours=2)
        assert len(judge.taken) == 2

    told(story, ledger, clock)


def test_questions_take_turns_at_the_rate(ledger: Ledger, clock: Clock) -> None:
    async def story(line: Line, judge: Judge) -> None:
        judge.verdict = "processed"
        await waited(line, minutes=3)
        assert judge.asked == 1
        assert ledger.take_turns(NAME, 1, 0.1) > ledger.now() + timedelta(seconds=5)

    told(story, ledger, clock, rate=0.1)
