"""Rows 11 to 14 of the failure matrix: replies that are broken, that lie, that lead elsewhere, that never end."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.delivery.transport_reply import BODY_CAP
from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Element, Reading, Reply
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Kind, Outcome, State
from tests.delivery.lines import WEBHOOK, Clock, desired, line_at
from tests.delivery.receivers import Answer, Receiver, receiving
from tests.faults.oracle import PIXEL, Book
from tests.faults.played import Play, once, play

#: An API that says in its body what became of a postback.
API = PIXEL.replace(
    'accepted_when = { status = [200], body_regex = "^OK$" }',
    'accepted_when = { status = [200], json = { "status" = "ok" } }',
).replace("rejected_when = { status = [400] }", 'rejected_when = { json = { "status" = "error" } }')

BROKEN = {
    "empty": b"",
    "html": b"<html><body>ok</body></html>",
    "half": b'{"status": "o',
    "not finished": b'{"status": "ok"',
    "wrong type": b'{"status": true}',
    "a list": b'["status", "ok"]',
    "text": b'"ok"',
    "not a number": b'{"status": "ok", "paid": NaN}',
    "key twice": b'{"status": "error", "status": "ok"}',
    "deep": b'{"a":' * 200 + b"1" + b"}" * 200,
    "deeper": b"[" * 60_000,
    "utf-16": '{"status": "ok"}'.encode("utf-16"),
    "latin-1": '{"status": "ok", "note": "é"}'.encode("latin-1"),
    "surplus": b'{"status": "ok"}{"status": "error"}',
    "other case": b'{"Status": "OK"}',
}


def answering(body: bytes, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(status=status, body=body, headers=named)

    return answer


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_row_11_a_broken_body_under_200_is_no_acceptance(any_ledger: Ledger, clock: Clock, body: bytes) -> None:
    played = once(answering(body), any_ledger, clock, 2, kind=API)
    assert played.states == [State.PARKED] * 2
    assert {attempt.outcome for attempt in played.line.attempts()} == {Outcome.UNKNOWN}


def test_row_11_nothing_of_a_body_is_kept(ledger: Ledger, clock: Clock) -> None:
    played = once(answering(b'{"canary": "ada@example.com'), ledger, clock, 1, kind=API)
    assert "canary" not in repr(played.stories)
    (attempt,) = played.line.attempts()
    assert len(attempt.reply_head or "") < 2_048


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode), status=st.integers(200, 299))
def test_row_11_no_bytes_are_taken_for_an_acceptance(body: bytes, status: int) -> None:
    destination = DESTINATIONS["url_template"].from_settings("api", API_LINE.settings)
    (verdict,) = destination.read(Reply(status, {}, body), [Element("key", Kind.CONVERSION, "")])
    assert verdict.reading is Reading.UNKNOWN or json.loads(body)["status"] in ("ok", "error")


def test_row_12_an_error_under_200_is_a_no_and_what_is_not_documented_is_unknown(
    any_ledger: Ledger, clock: Clock
) -> None:
    bodies = [b'{"status": "error"}', b'{"status": "ok"}', b'{"status": "queued"}', b'{"error": "no such click"}']

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(body=bodies[len(receiver.hits) - 1])

    async def acts(begun: Play) -> None:
        begun.fill(4)
        await begun.drain()
        assert begun.states == [State.REJECTED, State.ACCEPTED, State.PARKED, State.PARKED]
        begun.account(4)
        await begun.drain(3, hours=5)
        assert len(begun.book.hits) == 4

    play(answer, any_ledger, clock, acts, kind=API, options="concurrency = 1\n")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_13_a_redirect_is_not_followed_and_its_target_is_not_kept(
    any_ledger: Ledger, clock: Clock, status: int
) -> None:
    async def go() -> None:
        elsewhere = Book()
        async with receiving(elsewhere.noting(answering(b"OK"))) as other:
            answer = answering(b"", status, Location=f"{other.url}/canary?key=a&kind=b&revision=1&value=1")
            book = Book()
            async with receiving(book.noting(answer)) as receiver:
                line = line_at(receiver.url, any_ledger, clock, PIXEL)
                line.enqueue(desired(0), desired(1))
                await line.drain()
                played = Play(line, receiver, book)
        assert (elsewhere.hits, other.hits) == ([], [])
        assert played.states == [State.PARKED] * 2
        assert {attempt.http_status for attempt in line.attempts()} == {status}
        assert "canary" not in repr((played.stories, any_ledger.status()))
        played.account(2)

    asyncio.run(go())


def test_row_13_a_webhook_that_moved_pauses_the_destination(any_ledger: Ledger, clock: Clock) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(3)
        await begun.drain(2)
        (status,) = any_ledger.status().destinations
        assert status.paused
        assert begun.states == [State.PENDING] * 3
        assert len(begun.receiver.hits) == 1

    play(answering(b"", 308, Location="/new"), any_ledger, clock, acts, kind=WEBHOOK, options="concurrency = 1\n")


MIB = 1024 * 1024


@contextmanager
def measuring() -> Iterator[list[int]]:
    """The most memory, in bytes, that this process used at a time beyond what it has now; known afterwards."""
    peak: list[int] = []
    tracemalloc.start()
    try:
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pouring(head: bytes, piece: bytes, written: list[int]) -> Serve:
    """Reads a request and answers without an end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(piece)
                written[0] += len(piece)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return serve


ENDLESS = {
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 0x10000 + b"\r\n"),
    "ten gigabytes": (b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", b"x" * 0x10000),
    "without length": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 0x10000),
    "chunk extension": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"x" * 0x10000),
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-Header: " + b"x" * 1_000 + b"\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_row_14_an_endless_reply_is_left_early_in_flat_memory(ledger: Ledger, clock: Clock, kind: str) -> None:
    written = [0]

    async def go() -> None:
        server = await asyncio.start_server(pouring(*ENDLESS[kind], written), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        line = line_at(url, ledger, clock, PIXEL, "deadline_seconds = 3\n")
        line.enqueue(desired(0))
        async with server:
            with measuring() as peak:
                report = await line.drain()
        assert dict(report.outcomes) == {"unknown": 1}
        assert line.states() == [State.PARKED]
        assert peak[0] < 4 * MIB
        # The socket's own buffers on both sides are what is written beyond the cap.
        assert written[0] < 32 * MIB

    asyncio.run(go())


def test_row_14_a_compressed_bomb_is_unknown_and_never_unpacked(ledger: Ledger, clock: Clock) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([*(packer.compress(bytes(MIB)) for _ in range(50)), packer.flush()])
    # As it comes it is short enough to be read: only what is in it is too much.
    assert len(bomb) < BODY_CAP
    with measuring() as peak:
        played = once(answering(bomb, Content_Encoding="gzip"), ledger, clock, 2)
    assert len(played.book.hits) == 2
    assert peak[0] < 4 * MIB
    assert played.states == [State.PARKED] * 2


API_LINE = line_at("http://127.0.0.1:9", None, None, API)  # type: ignore[arg-type]
