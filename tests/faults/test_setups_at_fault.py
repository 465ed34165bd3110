"""Rows 8, 9 and 28 of the failure matrix: certificates, names and secrets; the postbacks are not to blame."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from postback_pipeline.delivery.pause_mark import resume_if_fixed
from postback_pipeline.delivery.transport import WireTransport
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Outcome, State
from tests.delivery.lines import NAME, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Changing, Receiver, ok, replying
from tests.faults.oracle import PIXEL
from tests.faults.played import Play, play

CERTIFICATES = Path(__file__).parents[1] / "delivery" / "certificates"
NOT_SOON = "retry = { first_seconds = 3600 }\n"


async def here(host: str) -> Sequence[str]:
    """By this name server every name is this machine."""
    return ["127.0.0.1"]


async def nowhere(host: str) -> Sequence[str]:
    """This one knows no name."""
    raise OSError("no such name")


async def never(host: str) -> Sequence[str]:
    """This one does not answer."""
    await asyncio.sleep(60)
    return []


def asking(resolver: Callable[[str], Awaitable[Sequence[str]]] = here) -> WireTransport:
    """The real transport with this name server."""
    return WireTransport("loopback", resolver=resolver)


def attempts_of_the_round(line: Line) -> list[Outcome | None]:
    """How every attempt ended that counts in a postback's budget."""
    return [attempt.outcome for attempt in line.attempts() if attempt.reason != "released"]


@pytest.mark.parametrize("certificate", ["expired", "other_host", "self_signed"])
def test_row_08_a_certificate_that_proves_nothing_pauses_the_destination_and_costs_no_attempt(
    any_ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch, certificate: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(1))
        writer.close()

    async def go() -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        line = line_at(f"https://t.example:{port}", any_ledger, clock, PIXEL, "concurrency = 4\n")
        line.enqueue(*(desired(number) for number in range(6)))
        async with server:
            report = await line.drain(asking())
        assert report.ended == "paused"
        assert (report.reason or "").startswith("TLS: ")
        assert line.states() == [State.PENDING] * 6
        assert attempts_of_the_round(line) == []
        assert [request for request in requests if request] == []
        (status,) = any_ledger.status().destinations
        assert (status.paused, status.paused_by) == (True, "drain")

    asyncio.run(go())


@pytest.mark.parametrize("resolver", [nowhere, never])
def test_row_09_a_name_that_is_not_resolved_is_not_sent_and_tried_again(
    any_ledger: Ledger, clock: Clock, resolver: Callable[[str], Awaitable[Sequence[str]]]
) -> None:
    async def acts(begun: Play) -> None:
        port = begun.receiver.url.rpartition(":")[2]
        options = NOT_SOON + "deadline_seconds = 0.5\n"
        line = line_at(f"http://t.example:{port}", any_ledger, clock, PIXEL, options)
        line.enqueue(desired(0), desired(1))
        await line.drain(asking(resolver))
        assert line.states() == [State.RETRY] * 2
        assert set(attempts_of_the_round(line)) == {Outcome.NOT_SENT}
        assert begun.book.hits == []
        clock.forward(hours=3)
        await line.drain(asking())
        assert line.states() == [State.ACCEPTED] * 2
        begun.line = line
        begun.account(2)

    play(ok, any_ledger, clock, acts)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:10.0.0.1", "10.0.0.1", "192.168.1.1"])
def test_row_09_a_name_that_leads_elsewhere_is_refused_before_anything_connects(
    ledger: Ledger, clock: Clock, address: str
) -> None:
    async def elsewhere(host: str) -> Sequence[str]:
        return ["127.0.0.1", address]

    async def acts(begun: Play) -> None:
        port = begun.receiver.url.rpartition(":")[2]
        line = line_at(f"http://t.example:{port}", ledger, clock, PIXEL)
        line.enqueue(desired(0))
        report = await line.drain(asking(elsewhere))
        assert (report.ended, line.states()) == ("paused", [State.PENDING])
        assert address not in (report.reason or "")
        assert begun.receiver.hits == []

    play(ok, ledger, clock, acts)


def test_row_28_a_refused_credential_pauses_once_burns_nothing_and_ends_with_the_new_one(
    any_ledger: Ledger, clock: Clock
) -> None:
    verdict = Changing(replying(401))

    async def answer(request: web.Request, receiver: Receiver) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return await verdict(request, receiver)

    async def acts(begun: Play) -> None:
        begun.fill(20)
        await begun.drain()
        refused = len(begun.receiver.hits)
        assert 1 <= refused <= 8
        assert begun.states == [State.PENDING] * 20
        pauses = [report.ended for report in begun.reports]
        await begun.drain(3, minutes=10)
        assert [report.ended for report in begun.reports] == pauses * 4
        assert len(begun.receiver.hits) == refused, "while it is paused nothing leaves"
        destination, environment = begun.line.destination, begun.line.environment
        assert not resume_if_fixed(NAME, destination, any_ledger, environment), "nothing was mended yet"
        environment["CRM_SECRET"] = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgb3Igc28h"
        verdict.answer = ok
        assert resume_if_fixed(NAME, destination, any_ledger, environment)
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 20
        assert max(sum(not attempt.stale for attempt in story.attempts) for story in begun.stories) <= 2
        begun.account(20)

    play(answer, any_ledger, clock, acts, kind=WEBHOOK, options="concurrency = 8\n")


def test_row_28_a_missing_secret_pauses_before_anything_is_claimed(any_ledger: Ledger, clock: Clock) -> None:
    async def acts(begun: Play) -> None:
        environment = dict(begun.line.environment)
        begun.fill(5)
        begun.line.environment.clear()
        await begun.drain(3, minutes=1)
        assert [report.claimed for report in begun.reports] == [0, 0, 0]
        assert begun.line.attempts() == []
        begun.line.environment.update(environment)
        assert resume_if_fixed(NAME, begun.line.destination, any_ledger, environment)
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 5
        begun.account(5)

    play(ok, any_ledger, clock, acts, kind=WEBHOOK)
