"""The transport against receivers that behave badly: what it can prove, and what it gives up on."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from postback_pipeline.delivery.transport import BODY_CAP, AiohttpTransport, Exchange
from postback_pipeline.destinations.base import Request
from postback_pipeline.model import Phase

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
    async with AiohttpTransport("loopback") as transport:
        return await transport.send(request(server, method), deadline_seconds=deadline)


def run(behave: Behave, method: str = "GET", deadline: float = 5.0) -> tuple[Exchange, Server]:
    async def go() -> tuple[Exchange, Server]:
        async with serving(behave) as server:
            return await exchange(server, method, deadline), server

    return asyncio.run(go())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_whole_reply_comes_back_as_it_is(method: str) -> None:
    found, server = run(answering(OK), method)
    assert found.reply is not None
    assert (found.reply.status, found.reply.body, found.reply.headers["content-type"]) == (200, b"OK", "text/plain")
    assert (found.phase, found.proven_unsent, found.error, found.configuration) == (Phase.DONE, False, None, False)
    assert len(server.requests) == 1


def test_url_and_body_go_out_byte_for_byte() -> None:
    async def go() -> bytes:
        async with serving(answering(OK)) as server, AiohttpTransport("loopback") as transport:
            url = f"http://127.0.0.1:{server.port}/a/%2E%2e/%7Bx%7D?q=%20+%26;%C3%A4&q=%7e"
            await transport.send(Request("POST", url, {"X-Own": "1"}, b"\x00\xff"), deadline_seconds=5)
            return server.requests[0]

    head, _, body = asyncio.run(go()).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a/%2E%2e/%7Bx%7D?q=%20+%26;%C3%A4&q=%7e HTTP/1.1"
    assert {line.split(b":")[0] for line in lines[1:]} == {
        *(b"Host", b"X-Own", b"User-Agent", b"Accept", b"Accept-Encoding", b"Content-Length"),
    }
    assert body == b"\x00\xff"


@pytest.mark.parametrize("behave", [reset, hang_up])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_lost_after_the_request_is_no_proof_and_no_second_try(behave: Behave, method: str) -> None:
    found, server = run(behave, method)
    assert len(server.requests) == 1
    assert (found.reply, found.proven_unsent, found.phase) == (None, False, Phase.HEAD)
    assert "connection failed" in (found.error or "")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_is_lost_is_not_tried_again_either(method: str) -> None:
    answers = iter([answering(OK), reset])

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async def go() -> tuple[Exchange, Exchange, Server]:
        async with serving(behave) as server, AiohttpTransport("loopback") as transport:
            first = await transport.send(request(server, method), deadline_seconds=5)
            return first, await transport.send(request(server, method), deadline_seconds=5), server

    first, second, server = asyncio.run(go())
    assert (first.reply is not None, second.reply, second.proven_unsent) == (True, None, False)
    assert (len(server.requests), server.connections) == (2, 1)


def test_nobody_listening_is_proof_that_nothing_left() -> None:
    async def go() -> Exchange:
        async with serving(answering(OK)) as server:
            pass
        async with AiohttpTransport("loopback") as transport:
            return await transport.send(request(server), deadline_seconds=5)

    found = asyncio.run(go())
    assert (found.reply, found.proven_unsent, found.configuration) == (None, True, False)
    assert found.error == "no connection (ECONNREFUSED)"


class Names(AbstractResolver):
    """A name server: addresses, or what it does instead."""

    def __init__(self, *addresses: str, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self._addresses = addresses
        self._before = before

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if self._before:
            await self._before()
        if not self._addresses:
            raise OSError("no such name")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        return None


def through(names: Names, *, deadline: float = 5.0) -> tuple[Exchange, Server]:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as server, AiohttpTransport("loopback", resolver=names) as transport:
            return await transport.send(request(server, host="t.example"), deadline_seconds=deadline), server

    return asyncio.run(go())


def test_an_unknown_name_is_proof_that_nothing_left() -> None:
    found, _ = through(Names())
    assert (found.proven_unsent, found.configuration, found.error) == (True, False, "the host name was not resolved")


def test_a_slow_name_server_is_cut_off_by_the_deadline() -> None:
    found, server = through(Names("127.0.0.1", before=lambda: asyncio.sleep(30)), deadline=SOON)
    assert (found.proven_unsent, found.phase, found.error) == (True, Phase.RESOLVING, "the deadline passed")
    assert server.requests == []


@contextmanager
def listening_elsewhere() -> Iterator[tuple[int, list[float]]]:
    """A port whose thread notes when the first byte of a request arrives, whatever the event loop does meanwhile."""
    arrivals: list[float] = []

    def listen() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(2)
            with suppress(OSError):
                while connection.recv(4_096):
                    arrivals.append(time.monotonic())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(2)
        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], arrivals
        thread.join()


@pytest.mark.parametrize("turns", range(12))
def test_a_process_that_was_stopped_past_its_deadline_sends_nothing_afterwards(turns: int) -> None:
    """The process stops for longer than the deadline, each time a little further into the attempt."""
    woke_up_at = 0.0

    async def stopped() -> None:
        nonlocal woke_up_at
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.1)
        woke_up_at = time.monotonic()

    async def go(port: int) -> Exchange:
        async with AiohttpTransport("loopback") as transport:
            stopping = asyncio.create_task(stopped())
            found = await transport.send(Request("GET", f"http://127.0.0.1:{port}/", {}), deadline_seconds=0.05)
            await stopping
            return found

    with listening_elsewhere() as (port, arrivals):
        found = asyncio.run(go(port))
    assert (found.reply, found.error) == (None, "the deadline passed")
    assert [arrival for arrival in arrivals if arrival >= woke_up_at] == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "1.1.1.1"])
def test_test_mode_goes_nowhere_but_loopback(address: str) -> None:
    found, _ = through(Names(address))
    assert (found.proven_unsent, found.configuration) == (True, True)
    assert found.error == "mode test reaches loopback addresses only"


@pytest.mark.parametrize("host", ["10.1.2.3", "[::ffff:10.1.2.3]", "1.1.1.1", "[2001:db8::1]", "169.254.169.254"])
def test_test_mode_refuses_literal_addresses_too(host: str) -> None:
    async def go() -> Exchange:
        async with AiohttpTransport("loopback") as transport:
            return await transport.send(Request("GET", f"http://{host}/p", {}), deadline_seconds=5)

    found = asyncio.run(go())
    assert (found.proven_unsent, found.configuration) == (True, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]"])
def test_live_mode_never_reaches_this_machine(host: str) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as server, AiohttpTransport("public", allow_http=True) as transport:
            return await transport.send(request(server, host=host), deadline_seconds=5), server

    found, server = asyncio.run(go())
    assert (found.proven_unsent, found.configuration, server.connections) == (True, True, 0)


def test_live_mode_sends_over_tls_only() -> None:
    async def go() -> Exchange:
        async with AiohttpTransport("public") as transport:
            return await transport.send(Request("GET", "http://t.example/p", {}), deadline_seconds=5)

    found = asyncio.run(go())
    assert (found.proven_unsent, found.configuration, found.error) == (True, True, "mode live sends over https only")


def test_a_certificate_nobody_signed_is_the_set_ups_fault_and_nothing_leaves() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Path(__file__).with_name("self_signed.pem"))

    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK), tls) as server, AiohttpTransport("loopback") as transport:
            return await transport.send(request(server, "POST", scheme="https"), deadline_seconds=5), server

    found, server = asyncio.run(go())
    assert (found.proven_unsent, found.configuration, server.requests) == (True, True, [])
    assert (found.error or "").startswith("TLS: ")


def test_a_port_that_speaks_no_tls_is_the_set_ups_fault() -> None:
    async def go() -> Exchange:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(OK)
            await writer.drain()
            writer.close()

        listening = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        async with listening, AiohttpTransport("loopback") as transport:
            return await transport.send(Request("GET", f"https://127.0.0.1:{port}/", {}), deadline_seconds=5)

    found = asyncio.run(go())
    assert (found.proven_unsent, found.configuration, found.error) == (True, True, "TLS: the handshake failed")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_silence_ends_at_the_deadline(method: str) -> None:
    found, server = run(hang, method, SOON)
    assert (found.reply, found.proven_unsent, found.phase) == (None, False, Phase.HEAD)
    assert found.error == "the deadline passed"
    assert SOON <= found.elapsed < 10 * SOON
    assert len(server.requests) == 1


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_reply_that_drips_ends_at_the_deadline(head: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(SOON / 10)

    found, _ = run(drip, deadline=SOON)
    assert (found.reply, found.proven_unsent, found.error) == (None, False, "the deadline passed")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_a_reply_and_is_not_followed(status: int, method: str) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as other:
            moved = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n"
            async with serving(answering(moved.encode())) as server:
                return await exchange(server, method), other

    found, other = asyncio.run(go())
    assert found.reply is not None
    assert (found.reply.status, other.connections) == (status, 0)


def test_a_reply_up_to_the_cap_is_whole_and_one_byte_more_is_none() -> None:
    for size in (BODY_CAP, BODY_CAP + 1):
        found, _ = run(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size))
        if size == BODY_CAP:
            assert found.reply is not None
            assert len(found.reply.body) == BODY_CAP
        else:
            assert (found.reply, found.phase, found.proven_unsent) == (None, Phase.BODY, False)
            assert found.error == f"the reply is longer than {BODY_CAP} bytes"


def test_an_endless_reply_is_left_at_the_cap() -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            written += 0x4000
            await writer.drain()

    found, _ = run(pour, deadline=20)
    assert (found.reply, found.error) == (None, f"the reply is longer than {BODY_CAP} bytes")
    assert written < 100 * BODY_CAP


def test_a_compressed_bomb_counts_by_what_comes_out_of_it() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    found, _ = run(answering(head, bomb))
    assert (found.reply, found.error) == (None, f"the reply is longer than {BODY_CAP} bytes")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nOK OK",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
    ],
)
def test_a_reply_that_breaks_off_or_is_none_is_no_reply(reply: bytes) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(reply)(reader, writer)
        raise ConnectionResetError

    found, server = run(broken)
    assert (found.reply, found.proven_unsent, len(server.requests)) == (None, False, 1)
    assert found.error


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as proxy, serving(answering(OK)) as server:
            for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            return await exchange(server), proxy

    found, proxy = asyncio.run(go())
    assert (found.reply is not None, proxy.connections) == (True, 0)


def test_cookies_are_not_kept() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1; Path=/\r\n\r\n")

    async def go() -> Server:
        async with serving(answering(answer)) as server, AiohttpTransport("loopback") as transport:
            for _ in range(2):
                # Of a name, since nobody keeps cookies of a bare address.
                await transport.send(request(server, host="localhost"), deadline_seconds=5)
            return server

    assert [b"cookie" in each.lower() for each in asyncio.run(go()).requests] == [False, False]


def test_no_error_text_shows_the_url() -> None:
    async def go() -> list[Exchange]:
        async with serving(reset) as server, AiohttpTransport("loopback") as transport:
            hosts = [f"127.0.0.1:{server.port}", "10.0.0.1", "nowhere.invalid", "127.0.0.1:1", "1.2.3", "[::1]:1"]
            urls = [f"http://{host}/canary?token=canary" for host in hosts]
            return [await transport.send(Request("GET", url, {}), deadline_seconds=5) for url in urls]

    errors = [each.error for each in asyncio.run(go())]
    assert all(errors)
    assert [error for error in errors if error and ("canary" in error or "127.0.0.1" in error)] == []
