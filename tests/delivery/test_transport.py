"""The transport against receivers that behave badly: what it can prove, and what it gives up on."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from postback_pipeline.delivery.addresses import Resolver
from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.delivery.transport_reply import BODY_CAP
from postback_pipeline.destinations.base import Request
from postback_pipeline.model import Phase
from tests.delivery.raw_server import (
    OK,
    SOON,
    Behave,
    OnLoop,
    Server,
    against,
    answering,
    exchange,
    hang,
    hang_up,
    request,
    reset,
    serving,
    within,
)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_whole_reply_comes_back_as_it_is(on_loop: OnLoop, method: str) -> None:
    found, server = on_loop(against(answering(OK), method))
    assert found.reply is not None
    assert (found.reply.status, found.reply.body, found.reply.headers["content-type"]) == (200, b"OK", "text/plain")
    assert (found.phase, found.proven_unsent, found.error, found.configuration) == (Phase.DONE, False, None, False)
    assert len(server.requests) == 1


def test_url_and_body_go_out_byte_for_byte(on_loop: OnLoop) -> None:
    async def go() -> bytes:
        async with serving(answering(OK)) as server, WireTransport("loopback") as transport:
            url = f"http://127.0.0.1:{server.port}/a/%2E%2e/%7Bx%7D?q=%20+%26;%C3%A4&q=%7e"
            await transport.send(Request("POST", url, {"X-Own": "1"}, b"\x00\xff"), ends_at=within(5))
            return server.requests[0]

    head, _, body = on_loop(go()).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a/%2E%2e/%7Bx%7D?q=%20+%26;%C3%A4&q=%7e HTTP/1.1"
    assert {line.split(b":")[0] for line in lines[1:]} == {
        *(b"Host", b"X-Own", b"User-Agent", b"Accept", b"Accept-Encoding", b"Content-Length"),
    }
    assert body == b"\x00\xff"


@pytest.mark.parametrize("behave", [reset, hang_up])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_lost_after_the_request_is_no_proof_and_no_second_try(
    on_loop: OnLoop, behave: Behave, method: str
) -> None:
    found, server = on_loop(against(behave, method))
    assert len(server.requests) == 1
    assert (found.reply, found.proven_unsent, found.phase) == (None, False, Phase.WRITTEN)
    assert "connection failed" in (found.error or "")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_is_lost_is_not_tried_again_either(on_loop: OnLoop, method: str) -> None:
    answers = iter([answering(OK), reset])

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async def go() -> tuple[Exchange, Exchange, Server]:
        async with serving(behave) as server, WireTransport("loopback") as transport:
            first = await transport.send(request(server, method), ends_at=within(5))
            return first, await transport.send(request(server, method), ends_at=within(5)), server

    first, second, server = on_loop(go())
    assert (first.reply is not None, second.reply, second.proven_unsent) == (True, None, False)
    assert (len(server.requests), server.connections) == (2, 1)


def test_nobody_listening_is_proof_that_nothing_left(on_loop: OnLoop) -> None:
    async def go() -> Exchange:
        async with serving(answering(OK)) as server:
            pass
        async with WireTransport("loopback") as transport:
            return await transport.send(request(server), ends_at=within(5))

    found = on_loop(go())
    assert (found.reply, found.proven_unsent, found.configuration) == (None, True, False)
    assert found.error == "no connection (ECONNREFUSED)"


def names(*addresses: str, before: Callable[[], Awaitable[None]] | None = None) -> Resolver:
    """A name server: addresses, or what it does instead."""

    async def resolve(host: str) -> Sequence[str]:
        if before:
            await before()
        if not addresses:
            raise OSError("no such name")
        return addresses

    return resolve


async def through(resolver: Resolver, *, deadline: float = 5.0) -> tuple[Exchange, Server]:
    """One attempt at a name that this resolver knows."""
    async with serving(answering(OK)) as server, WireTransport("loopback", resolver=resolver) as transport:
        return await transport.send(request(server, host="t.example"), ends_at=within(deadline)), server


def test_an_unknown_name_is_proof_that_nothing_left(on_loop: OnLoop) -> None:
    found, _ = on_loop(through(names()))
    assert (found.proven_unsent, found.configuration, found.error) == (True, False, "the host name was not resolved")


def test_a_slow_name_server_is_cut_off_by_the_deadline(on_loop: OnLoop) -> None:
    found, server = on_loop(through(names("127.0.0.1", before=lambda: asyncio.sleep(30)), deadline=SOON))
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
        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], arrivals
        # Nobody else may have come.
        socket.create_connection(listener.getsockname()).close()
        thread.join()


@pytest.mark.parametrize("turns", range(12))
def test_a_process_that_was_stopped_past_its_deadline_sends_nothing_afterwards(on_loop: OnLoop, turns: int) -> None:
    """The process stops for longer than the deadline, each time a little further into the attempt."""
    woke_up_at = 0.0

    async def stopped() -> None:
        nonlocal woke_up_at
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.1)
        woke_up_at = time.monotonic()

    async def go(port: int) -> Exchange:
        async with WireTransport("loopback") as transport:
            stopping = asyncio.create_task(stopped())
            found = await transport.send(Request("GET", f"http://127.0.0.1:{port}/", {}), ends_at=within(0.05))
            await stopping
            return found

    with listening_elsewhere() as (port, arrivals):
        found = on_loop(go(port))
    assert (found.reply, found.error) == (None, "the deadline passed")
    assert [arrival for arrival in arrivals if arrival >= woke_up_at] == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "1.1.1.1"])
def test_test_mode_goes_nowhere_but_loopback(on_loop: OnLoop, address: str) -> None:
    found, _ = on_loop(through(names(address)))
    assert (found.proven_unsent, found.configuration) == (True, True)
    assert found.error == "mode test reaches loopback addresses only"


@pytest.mark.parametrize("host", ["10.1.2.3", "[::ffff:10.1.2.3]", "1.1.1.1", "[2001:db8::1]", "169.254.169.254"])
def test_test_mode_refuses_literal_addresses_too(on_loop: OnLoop, host: str) -> None:
    async def go() -> Exchange:
        async with WireTransport("loopback") as transport:
            return await transport.send(Request("GET", f"http://{host}/p", {}), ends_at=within(5))

    found = on_loop(go())
    assert (found.proven_unsent, found.configuration) == (True, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]"])
def test_live_mode_never_reaches_this_machine(on_loop: OnLoop, host: str) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as server, WireTransport("public", allow_http=True) as transport:
            return await transport.send(request(server, host=host), ends_at=within(5)), server

    found, server = on_loop(go())
    assert (found.proven_unsent, found.configuration, server.connections) == (True, True, 0)


def test_live_mode_sends_over_tls_only(on_loop: OnLoop) -> None:
    async def go() -> Exchange:
        async with WireTransport("public") as transport:
            return await transport.send(Request("GET", "http://t.example/p", {}), ends_at=within(5))

    found = on_loop(go())
    assert (found.proven_unsent, found.configuration, found.error) == (True, True, "mode live sends over https only")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_silence_ends_at_the_deadline(on_loop: OnLoop, method: str) -> None:
    found, server = on_loop(against(hang, method, SOON))
    assert (found.reply, found.proven_unsent, found.phase) == (None, False, Phase.WRITTEN)
    assert found.error == "the deadline passed"
    # An event loop may count in milliseconds.
    assert SOON - 0.01 <= found.elapsed < 10 * SOON
    assert len(server.requests) == 1


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_reply_that_drips_ends_at_the_deadline(on_loop: OnLoop, head: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(SOON / 10)

    found, _ = on_loop(against(drip, deadline=SOON))
    assert (found.reply, found.proven_unsent, found.error) == (None, False, "the deadline passed")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_a_reply_and_is_not_followed(on_loop: OnLoop, status: int, method: str) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as other:
            moved = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n"
            async with serving(answering(moved.encode())) as server:
                return await exchange(server, method), other

    found, other = on_loop(go())
    assert found.reply is not None
    assert (found.reply.status, other.connections) == (status, 0)


def test_a_reply_up_to_the_cap_is_whole_and_one_byte_more_is_none(on_loop: OnLoop) -> None:
    for size in (BODY_CAP, BODY_CAP + 1):
        found, _ = on_loop(against(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size)))
        if size == BODY_CAP:
            assert found.reply is not None
            assert len(found.reply.body) == BODY_CAP
        else:
            assert (found.reply, found.phase, found.proven_unsent) == (None, Phase.BODY, False)
            assert found.error == f"the reply is longer than {BODY_CAP} bytes"


def test_an_endless_reply_is_left_at_the_cap(on_loop: OnLoop) -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            written += 0x4000
            await writer.drain()

    found, _ = on_loop(against(pour, deadline=20))
    assert (found.reply, found.error) == (None, f"the reply is longer than {BODY_CAP} bytes")
    assert written < 100 * BODY_CAP


def test_a_compressed_bomb_counts_by_what_comes_out_of_it(on_loop: OnLoop) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    found, _ = on_loop(against(answering(head, bomb)))
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
def test_a_reply_that_breaks_off_or_is_none_is_no_reply(on_loop: OnLoop, reply: bytes) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(reply)(reader, writer)
        raise ConnectionResetError

    found, server = on_loop(against(broken))
    assert (found.reply, found.proven_unsent, len(server.requests)) == (None, False, 1)
    assert found.error


def test_proxies_of_the_environment_are_ignored(on_loop: OnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK)) as proxy, serving(answering(OK)) as server:
            for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            return await exchange(server), proxy

    found, proxy = on_loop(go())
    assert (found.reply is not None, proxy.connections) == (True, 0)


def test_cookies_are_not_kept(on_loop: OnLoop) -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1; Path=/\r\n\r\n")

    async def go() -> Server:
        async with serving(answering(answer)) as server, WireTransport("loopback") as transport:
            for _ in range(2):
                # Of a name, since nobody keeps cookies of a bare address.
                await transport.send(request(server, host="localhost"), ends_at=within(5))
            return server

    assert [b"cookie" in each.lower() for each in on_loop(go()).requests] == [False, False]


def test_no_error_text_shows_the_url(on_loop: OnLoop) -> None:
    async def go() -> list[Exchange]:
        async with serving(reset) as server, WireTransport("loopback") as transport:
            hosts = [f"127.0.0.1:{server.port}", "10.0.0.1", "nowhere.invalid", "127.0.0.1:1", "1.2.3", "[::1]:1"]
            urls = [f"http://{host}/canary?token=canary" for host in hosts]
            return [await transport.send(Request("GET", url, {}), ends_at=within(5)) for url in urls]

    errors = [each.error for each in on_loop(go())]
    assert all(errors)
    assert [error for error in errors if error and ("canary" in error or "127.0.0.1" in error)] == []


def test_a_request_may_ask_for_a_longer_reply(on_loop: OnLoop) -> None:
    asked = 20 * BODY_CAP

    async def go(size: int) -> Exchange:
        reply = answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, b"x" * size)
        async with serving(reply) as server, WireTransport("loopback") as transport:
            request = Request("POST", f"http://127.0.0.1:{server.port}/", {}, b"{}", longest_reply=asked)
            return await transport.send(request, ends_at=within(5))

    whole, longer = on_loop(go(asked)), on_loop(go(asked + 1))
    assert whole.reply is not None
    assert len(whole.reply.body) == asked
    assert (longer.reply, longer.error) == (None, f"the reply is longer than {asked} bytes")
