"""How far an attempt got, and what may still leave when its time is over."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import pytest

from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.delivery.transport_connection import WRITE_BYTES, Attempt, Connection
from postback_pipeline.delivery.transport_request import Origin
from postback_pipeline.destinations.base import Reply, Request
from postback_pipeline.model import Phase
from tests.delivery.raw_server import (
    OK,
    SOON,
    OnLoop,
    Server,
    against,
    answering,
    hang,
    listening,
    request,
    serving,
    within,
)

#: More than the system takes for a receiver that does not read.
LONG = bytes(range(256)) * 64 * 1024


async def send(port: int, body: bytes = b"", deadline: float = 5.0) -> Exchange:
    async with WireTransport("loopback") as transport:
        sent = Request("POST", f"http://127.0.0.1:{port}/", {}, body)
        return await transport.send(sent, ends_at=within(deadline))


@contextmanager
def full_port() -> Iterator[int]:
    """A port that answers nobody any more: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_row_09_a_host_that_does_not_answer_is_proof_that_nothing_left(on_loop: OnLoop) -> None:
    with full_port() as port:
        found = on_loop(send(port, deadline=SOON))
    assert (found.proven_unsent, found.phase, found.error) == (True, Phase.CONNECTING, "the deadline passed")


def test_the_next_address_is_tried_when_one_does_not_answer(on_loop: OnLoop) -> None:
    async def both(host: str) -> Sequence[str]:
        return ["127.0.0.2", "::1", "127.0.0.1"]

    async def go() -> Exchange:
        async with serving(answering(OK)) as server, WireTransport("loopback", resolver=both) as transport:
            return await transport.send(request(server, host="t.example"), ends_at=within(5))

    assert on_loop(go()).phase is Phase.DONE


def test_what_the_system_took_is_written_and_what_it_did_not_is_not(on_loop: OnLoop) -> None:
    async def go() -> list[Exchange]:
        # A server that never reads what it is sent.
        async with listening(hang) as port:
            return [await send(port, body, SOON) for body in (b"short", LONG)]

    short, long = on_loop(go())
    assert (short.phase, long.phase) == (Phase.WRITTEN, Phase.WRITING)
    assert [each.error for each in (short, long)] == ["the deadline passed"] * 2
    assert not short.proven_unsent
    assert not long.proven_unsent


@pytest.mark.parametrize("size", [0, 1, WRITE_BYTES - 200, WRITE_BYTES, WRITE_BYTES + 1, len(LONG)])
def test_a_request_of_any_length_arrives_byte_for_byte(on_loop: OnLoop, size: int) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as server:
            return await send(server.port, LONG[:size], 20), server

    found, server = on_loop(go())
    assert found.phase is Phase.DONE
    assert [each.partition(b"\r\n\r\n")[2] == LONG[:size] for each in server.requests] == [True]


def test_a_reply_before_the_end_of_the_request_counts_and_ends_the_connection(on_loop: OnLoop) -> None:
    no = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(no)
        await hang(reader, writer)

    async def go() -> tuple[Exchange, Exchange]:
        async with listening(refuse) as port, WireTransport("loopback") as transport:
            sent = Request("POST", f"http://127.0.0.1:{port}/", {}, LONG)
            first = await transport.send(sent, ends_at=within(5))
            return first, await transport.send(sent, ends_at=within(5))

    for found in on_loop(go()):
        assert found.reply is not None, found.error
        assert (found.reply.status, found.phase, found.proven_unsent) == (413, Phase.DONE, False)


def test_a_request_that_is_written_on_under_its_reply_is_not_taken_back_to_writing(on_loop: OnLoop) -> None:
    async def begin_to_refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content")
        await asyncio.sleep(SOON / 4)
        await reader.readexactly(len(LONG))
        await hang(reader, writer)

    async def go() -> Exchange:
        async with listening(begin_to_refuse) as port:
            return await send(port, LONG, 4 * SOON)

    found = on_loop(go())
    assert (found.phase, found.error) == (Phase.HEAD, "the deadline passed")


class SlowReader:
    """A receiver in a thread that reads nothing before it is told to."""

    def __init__(self) -> None:
        self.may_read = threading.Event()
        self.received = 0

    def serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            self.may_read.wait(5)
            while data := connection.recv(1 << 20):
                self.received += len(data)


def test_row_41_a_process_that_was_stopped_in_the_middle_of_a_request_does_not_finish_it_later(on_loop: OnLoop) -> None:
    reader = SlowReader()

    async def stand_still() -> None:
        await asyncio.sleep(0.1)
        reader.may_read.set()
        time.sleep(0.4)

    async def go(port: int) -> Exchange:
        stopping = asyncio.create_task(stand_still())
        found = await send(port, LONG, deadline=0.2)
        await stopping
        return found

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=reader.serve, args=(listener,))
        thread.start()
        found = on_loop(go(listener.getsockname()[1]))
        thread.join()
    assert (found.error, found.proven_unsent) == ("the deadline passed", False)
    assert 0 < reader.received < len(LONG)


def test_a_deadline_that_has_passed_already_sends_nothing(on_loop: OnLoop) -> None:
    async def go() -> tuple[list[Exchange], Server]:
        async with serving(answering(OK)) as server, WireTransport("loopback") as transport:
            found = [await transport.send(request(server), ends_at=within(seconds)) for seconds in (-1, 5, 0, -1)]
            return found, server

    found, server = on_loop(go())
    assert [(each.proven_unsent, each.error) for each in found] == [
        *((True, "the deadline passed"), (False, None)),
        *((True, "the deadline passed"), (True, "the deadline passed")),
    ]
    assert len(server.requests) == 1


def test_each_attempt_ends_at_its_own_deadline(on_loop: OnLoop) -> None:
    deadlines = [0.4, 0.1, 0.3, 30.0, 0.2, 0.1]

    async def go() -> list[Exchange]:
        async with serving(hang) as server, WireTransport("loopback") as transport:
            sending = [
                asyncio.create_task(transport.send(request(server), ends_at=within(seconds))) for seconds in deadlines
            ]
            done, waiting = await asyncio.wait(sending, timeout=2)
            for task in waiting:
                task.cancel()
            assert len(waiting) == 1
            return [task.result() for task in sending if task in done]

    for found, seconds in zip(on_loop(go()), sorted(deadlines, key=lambda seconds: seconds == 30), strict=False):
        assert (found.error, found.phase) == ("the deadline passed", Phase.WRITTEN)
        assert seconds - 0.01 <= found.elapsed < seconds + 1


class Halting(WireTransport):
    """Stops at one of the steps that a subclass can see."""

    def __init__(self, step: str) -> None:
        super().__init__("loopback")
        self._step = step

    def _halt(self, step: str) -> None:
        if step == self._step:
            raise RuntimeError("halted")

    async def _connect(self, origin: Origin, attempt: Attempt) -> Connection:
        connection = await super()._connect(origin, attempt)
        self._halt("connected")
        return connection

    def _write(self, connection: Connection, head: bytes, body: bytes) -> None:
        connection.write(head, body[:2])
        self._halt("writing")
        connection.write(body[2:])

    def _received(self, connection: Connection, reply: Reply) -> Reply:
        self._halt("received")
        return reply


@pytest.mark.parametrize(
    ("step", "unsent", "requests"),
    [("connected", True, 0), ("writing", False, 0), ("received", False, 1), ("", False, 1)],
)
def test_every_step_on_the_wire_can_be_seen(on_loop: OnLoop, step: str, unsent: bool, requests: int) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as server, Halting(step) as transport:
            return await transport.send(request(server, "POST"), ends_at=within(5)), server

    found, server = on_loop(go())
    assert (found.reply is None, found.proven_unsent, len(server.requests)) == (bool(step), unsent, requests)


def test_row_06_one_that_hangs_holds_up_nobody_else(on_loop: OnLoop) -> None:
    async def go() -> list[Exchange]:
        async with serving(hang) as slow, serving(answering(OK)) as quick, WireTransport("loopback") as transport:
            waiting = asyncio.create_task(transport.send(request(slow), ends_at=within(30)))
            found = [await transport.send(request(quick), ends_at=within(5)) for _ in range(50)]
            assert waiting.cancel()
            return found

    assert [each.error for each in on_loop(go())] == [None] * 50


def test_an_attempt_says_how_long_it_took(on_loop: OnLoop) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await answering(OK)(reader, writer)

    found, _ = on_loop(against(late))
    assert 0.09 <= found.elapsed < 5
