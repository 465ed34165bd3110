"""Connections that are kept: which one is taken, and which never again."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.destinations.base import Request
from tests.delivery.raw_server import OK, Behave, OnLoop, Server, answering, request, reset, serving, within


def once(first: Behave) -> Behave:
    """Behaves one way at the first request, and well afterwards."""
    behaviours = iter([first])

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(behaviours, answering(OK))(reader, writer)

    return behave


async def twice(behave: Behave, *, pause: float = 0.1, keep_alive: float = 3.0) -> tuple[list[bool], Server]:
    """Two requests, one after the other; whether each was replied to."""
    async with serving(behave) as server, WireTransport("loopback", keep_alive_seconds=keep_alive) as transport:
        first = await transport.send(request(server, "POST"), ends_at=within(5))
        await asyncio.sleep(pause)
        second = await transport.send(request(server, "POST"), ends_at=within(5))
        return [first.reply is not None, second.reply is not None], server


def test_a_connection_is_used_again(on_loop: OnLoop) -> None:
    replied, server = on_loop(twice(answering(OK)))
    assert (replied, len(server.requests), server.connections) == ([True, True], 2, 1)


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answering(OK)(reader, writer)
    writer.close()
    raise ConnectionResetError


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answering(OK)(reader, writer)
    await asyncio.sleep(0.02)
    await reset(reader, writer)


async def say_more_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await answering(OK)(reader, writer)
    await asyncio.sleep(0.02)
    await answering(OK)(reader, writer)


LAST = OK.replace(b"Content-Type", b"Connection: close\r\nContent-Type")


@pytest.mark.parametrize(
    "behave",
    [
        *(close, cut, say_more_later),
        answering(OK + b"H"),
        answering(OK + OK),
        answering(LAST),
        answering(OK.replace(b"HTTP/1.1", b"HTTP/1.0")),
        answering(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nOK"),
    ],
)
def test_one_that_the_receiver_closed_or_said_too_much_on_is_not(on_loop: OnLoop, behave: Behave) -> None:
    replied, server = on_loop(twice(once(behave)))
    assert (replied, len(server.requests), server.connections) == ([True, True], 2, 2)


@pytest.mark.parametrize("bytes_more", [b"", b"H"])
def test_not_even_if_the_event_loop_has_not_heard_of_it_yet(on_loop: OnLoop, bytes_more: bytes) -> None:
    async def go(port: int) -> tuple[Exchange, Exchange]:
        async with WireTransport("loopback") as transport:
            sent = Request("POST", f"http://127.0.0.1:{port}/", {}, b"x")
            first = await transport.send(sent, ends_at=within(5))
            # Stands still, as a process does that was stopped; meanwhile the receiver gives up.
            time.sleep(0.3)
            return first, await transport.send(sent, ends_at=within(5))

    with one_request_each(bytes_more) as (port, requests):
        first, second = on_loop(go(port))
    assert (first.reply is not None, second.reply is not None, len(requests)) == (True, True, 2)


@contextmanager
def one_request_each(bytes_more: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A receiver in a thread, whose connections each serve one request and then end, or say something more."""
    requests: list[bytes] = []

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            # What was said too much is thrown back at it.
            with connection, suppress(ConnectionError):
                requests.append(connection.recv(4_096))
                connection.sendall(OK)
                time.sleep(0.1)
                connection.sendall(bytes_more)
                if bytes_more:
                    connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], requests
        thread.join()


def test_those_that_stay_idle_are_dropped_in_time(on_loop: OnLoop) -> None:
    gone: list[float] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(OK)(reader, writer)
        answered = time.monotonic()
        if not await reader.read(1):
            gone.append(time.monotonic() - answered)

    async def go() -> None:
        async with serving(behave) as server, WireTransport("loopback", keep_alive_seconds=0.3) as transport:
            await asyncio.gather(*(transport.send(request(server), ends_at=within(5)) for _ in range(4)))
            async with asyncio.timeout(5):
                while len(gone) < 4:
                    await asyncio.sleep(0.01)

    on_loop(go())
    assert [seconds for seconds in gone if seconds < 0.29] == []


def test_the_one_that_was_used_last_goes_first(on_loop: OnLoop) -> None:
    seen: list[str] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(str(writer.get_extra_info("peername")))
        if len(seen) <= 2:
            await asyncio.sleep(0.05 * len(seen))
        await answering(OK)(reader, writer)

    async def go() -> None:
        async with serving(behave) as server, WireTransport("loopback") as transport:
            await asyncio.gather(*(transport.send(request(server), ends_at=within(5)) for _ in range(2)))
            for _ in range(3):
                await transport.send(request(server), ends_at=within(5))

    on_loop(go())
    assert len(set(seen[:2])) == 2
    assert set(seen[2:]) == {seen[1]}


def test_many_at_once_each_arrive_once(on_loop: OnLoop) -> None:
    async def go() -> tuple[list[Exchange], Server]:
        async with serving(answering(OK)) as server, WireTransport("loopback") as transport:

            async def some(worker: int) -> list[Exchange]:
                urls = [f"http://127.0.0.1:{server.port}/{worker}/{each}" for each in range(20)]
                return [await transport.send(Request("GET", url, {}), ends_at=within(10)) for url in urls]

            exchanges = await asyncio.gather(*(some(worker) for worker in range(32)))
            return [each for found in exchanges for each in found], server

    exchanges, server = on_loop(go())
    assert [each for each in exchanges if each.reply is None] == []
    assert len({each.split()[1] for each in server.requests}) == len(server.requests) == 640
    assert server.connections <= 32


def test_whoever_gives_up_waiting_takes_the_connection_along(on_loop: OnLoop) -> None:
    closed: list[bool] = []

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed.append(await reader.read(1) == b"")

    async def go() -> Server:
        async with serving(once(wait)) as server, WireTransport("loopback") as transport:
            sending = asyncio.create_task(transport.send(request(server), ends_at=within(30)))
            while not server.requests:
                await asyncio.sleep(0.01)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            found = await transport.send(request(server), ends_at=within(5))
            assert found.reply is not None
            return server

    server = on_loop(go())
    assert (closed, server.connections) == ([True], 2)


def test_leaving_the_context_closes_what_is_idle(on_loop: OnLoop) -> None:
    closed = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(OK)(reader, writer)
        if not await reader.read(1):
            closed.set()

    async def go() -> None:
        async with serving(behave) as server:
            async with WireTransport("loopback") as transport:
                await transport.send(request(server), ends_at=within(5))
            async with asyncio.timeout(5):
                await closed.wait()

    on_loop(go())
