"""A destination that wants an access token: one for all, the next one in time, no postback lost to one that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations.base import Capabilities, Element, Reading, Reply, Request, Verdict
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, RefreshTokenGrant
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Outcome, Postback, State
from postback_pipeline.settings import Delivery, DestinationSettings
from tests.delivery.lines import Clock, Line, desired
from tests.delivery.receivers import Answer, Receiver, receiving

ORDERS = 30
CREDENTIALS = {"CLIENT": "id", "SECRET": "s", "REFRESH": "r"}


class Tokened(Vendor):
    """A receiver that wants nothing but a bearer token."""

    type = "tokened"
    contract = Contract("Tokened", "", "", "Status 200.", "Any.", "None.", "None.")
    home = "https://tokened.example"
    can = Capabilities()

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        self.grant = RefreshTokenGrant(
            f"{base}/token", client_id_env="CLIENT", client_secret_env="SECRET", refresh_token_env="REFRESH"
        )
        self.secret_names = self.grant.secret_names

    def element(self, postback: Postback, person: Person) -> str:
        return postback.key

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        headers = {"Authorization": f"Bearer {secrets[ACCESS_TOKEN]}"}
        return Request("POST", f"{self.base}/events", headers, elements[0].text.encode())

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        said = reply.body.decode()
        readings = {200: Reading.ACCEPTED, 401: Reading.CONFIGURATION, 404: Reading.CONFIGURATION}
        reading = readings.get(reply.status, Reading.UNKNOWN)
        return [Verdict(reading, f"HTTP {reply.status}", credential=said == "token expired")]


@dataclass
class Office:
    """Gives out tokens `t1`, `t2` ... and takes postbacks with a good one."""

    is_good: Callable[[str, int], bool] = lambda token, taken: True
    #: Status and text of a reply to what comes without a good token.
    refusal: tuple[int, str] = (401, "")
    lifetime: float = 3_600
    refuses: int = 0
    error: str = ""
    asked: int = 0
    taken: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request, receiver: Receiver) -> web.StreamResponse:
        if request.path == "/token":
            self.asked += 1
            assert b"grant_type=refresh_token" in receiver.hits[-1].body
            if self.refuses:
                return web.json_response({"error": self.error} if self.error else {}, status=self.refuses)
            return web.json_response({"access_token": f"t{self.asked}", "expires_in": self.lifetime})
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if not self.is_good(token, len(self.taken)):
            return web.Response(status=self.refusal[0], text=self.refusal[1])
        self.taken.append(receiver.hits[-1].body.decode())
        return web.Response(text="OK")


def drained(
    office: Office, ledger: Ledger, clock: Clock, concurrency: int = 16, answer: Answer | None = None
) -> tuple[DrainReport, Line]:
    async def run() -> tuple[DrainReport, Line]:
        async with receiving(answer or office.answer) as receiver:
            table: dict[str, Any] = {"type": "tokened", "base_url": receiver.url, "concurrency": concurrency}
            settings = DestinationSettings(**table)
            delivery = Delivery().model_copy(update={"linger_seconds": 0})
            line = Line(Tokened.from_settings("partner", settings), settings, ledger, clock, delivery, CREDENTIALS)
            line.enqueue(*(desired(number) for number in range(ORDERS)))
            return await line.drain(), line

    return asyncio.run(run())


def test_many_senders_share_one_token(ledger: Ledger, clock: Clock) -> None:
    office = Office()
    drained(office, ledger, clock)
    assert office.asked == 1
    assert len(set(office.taken)) == len(office.taken) == ORDERS


def test_a_token_that_ends_in_the_middle_loses_and_doubles_nothing(any_ledger: Ledger, clock: Clock) -> None:
    office = Office(is_good=lambda token, taken: token == ("t1" if taken < 10 else "t2"))
    report, line = drained(office, any_ledger, clock)
    assert office.asked == 2
    assert len(set(office.taken)) == len(office.taken) == ORDERS
    assert set(line.states()) == {State.ACCEPTED}
    assert report.ended == "drained"
    refused = [attempt for attempt in line.attempts() if attempt.outcome is Outcome.REJECTED]
    assert len(refused) >= 1
    assert {attempt.http_status for attempt in refused} == {401}


def test_a_token_is_renewed_before_it_ends(ledger: Ledger, clock: Clock) -> None:
    office = Office(lifetime=0.0001)
    drained(office, ledger, clock, concurrency=1)
    assert office.asked == ORDERS
    assert len(office.taken) == ORDERS


def test_a_token_that_never_worked_pauses_rather_than_asking_for_ever(ledger: Ledger, clock: Clock) -> None:
    office = Office(is_good=lambda token, taken: False)
    report, line = drained(office, ledger, clock, concurrency=1)
    assert report.ended == "paused"
    assert office.asked == 1
    assert set(line.states()) == {State.PENDING}


def test_a_fault_in_the_set_up_pauses_at_once_whatever_the_token_was_good_for(ledger: Ledger, clock: Clock) -> None:
    office = Office(is_good=lambda token, taken: taken < 10, refusal=(404, "no such account"))
    report, line = drained(office, ledger, clock, concurrency=1)
    assert (report.ended, report.reason, office.asked) == ("paused", "HTTP 404", 1)
    assert len([attempt for attempt in line.attempts() if attempt.http_status == 404]) == 1
    assert line.states().count(State.ACCEPTED) == 10


def test_a_receiver_may_say_in_its_own_way_that_a_token_ended(ledger: Ledger, clock: Clock) -> None:
    office = Office(
        is_good=lambda token, taken: token == ("t1" if taken < 10 else "t2"), refusal=(404, "token expired")
    )
    report, line = drained(office, ledger, clock)
    assert (report.ended, office.asked) == ("drained", 2)
    assert set(line.states()) == {State.ACCEPTED}


def test_a_receiver_that_fails_has_not_taken_the_token(ledger: Ledger, clock: Clock) -> None:
    office = Office(is_good=lambda token, taken: False)

    async def fails_once(request: web.Request, receiver: Receiver) -> web.StreamResponse:
        first = request.path == "/events" and len(receiver.hits) == 2
        return web.Response(status=500) if first else await office.answer(request, receiver)

    report, _ = drained(office, ledger, clock, concurrency=1, answer=fails_once)
    assert (report.ended, report.reason, office.asked) == ("paused", "HTTP 401", 1)


@pytest.mark.parametrize(("status", "error"), [(400, "invalid_grant"), (401, "invalid_client"), (403, "")])
def test_refused_credentials_pause_before_anything_leaves(
    ledger: Ledger, clock: Clock, status: int, error: str
) -> None:
    office = Office(refuses=status, error=error)
    report, line = drained(office, ledger, clock)
    assert report.ended == "paused"
    assert report.reason == f"no access token: {error or f'HTTP {status}'}"
    assert office.taken == []
    assert {(attempt.outcome, attempt.phase) for attempt in line.attempts()} == {(Outcome.NOT_SENT, None)}
    assert set(line.states()) == {State.PENDING}


@pytest.mark.parametrize(("status", "error"), [(503, ""), (400, "temporarily_unavailable"), (200, "")])
def test_a_token_that_cannot_be_had_now_is_asked_for_again_later(
    ledger: Ledger, clock: Clock, status: int, error: str
) -> None:
    office = Office(refuses=status, error=error)
    _, line = drained(office, ledger, clock)
    assert office.taken == []
    assert {attempt.outcome for attempt in line.attempts()} == {Outcome.NOT_SENT}
    assert set(line.states()) <= {State.PENDING, State.RETRY}
    # The breaker asks with fewer and fewer senders: not once per postback.
    assert office.asked < ORDERS
