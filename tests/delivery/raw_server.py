"""Raw servers on loopback that read whole requests and then behave as told, and attempts at them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.destinations.base import Request

_T = TypeVar("_T")


def within(seconds: float) -> float:
    """A deadline."""
    return clock.now() + seconds


class OnLoop(Protocol):
    """Runs a coroutine on one kind of event loop; the fixture `on_loop` gives each in turn."""

    def __call__(self, main: Coroutine[Any, Any, _T]) -> _T: ...


#: Longer than any answer on loopback takes, shorter than a test may.
SOON = 0.3

Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A raw server on loopback that reads whole requests and then behaves as told."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                self.requests.append(head + body)
                await self._behave(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(behave)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@asynccontextmanager
async def listening(behave: Behave) -> AsyncIterator[int]:
    """The port of a server that reads nothing by itself; each connection is closed when it has behaved."""
    done: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.append(asyncio.get_running_loop().create_task(serve(reader, writer)))

    # A small limit: what nobody reads is left to the system, and to the sender.
    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in done:
            task.cancel()
        await asyncio.gather(*done, return_exceptions=True)


def answering(*chunks: bytes) -> Behave:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
        await writer.drain()

    return answer


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """RST instead of an answer."""
    found: socket.socket = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """FIN instead of an answer."""
    raise ConnectionResetError


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nOK"


def request(server: Server, method: str = "GET", *, host: str = "127.0.0.1", scheme: str = "http") -> Request:
    return Request(method, f"{scheme}://{host}:{server.port}/p?a=1", {}, b'{"a": 1}' if method == "POST" else b"")


async def exchange(server: Server, method: str = "GET", deadline: float = 5.0) -> Exchange:
    async with WireTransport("loopback") as transport:
        return await transport.send(request(server, method), ends_at=within(deadline))


async def against(behave: Behave, method: str = "GET", deadline: float = 5.0) -> tuple[Exchange, Server]:
    """One attempt at a server that behaves like this."""
    async with serving(behave) as server:
        return await exchange(server, method, deadline), server
