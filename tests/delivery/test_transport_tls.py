"""TLS: who is believed, what pauses a destination, and what is whole under it. Failure matrix, row 8."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.destinations.base import Request
from postback_pipeline.model import Phase
from tests.delivery.raw_server import (
    OK,
    SOON,
    Behave,
    OnLoop,
    Server,
    answering,
    hang,
    listening,
    reset,
    serving,
    within,
)

CERTIFICATES = Path(__file__).with_name("certificates")


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts the authority of these tests, and no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def showing(certificate: str) -> ssl.SSLContext:
    """A receiver's side of TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    return tls


def of_the_past() -> ssl.SSLContext:
    """A receiver that speaks nothing newer than TLS 1.1."""
    tls = showing("trusted")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    return tls


async def here(host: str) -> Sequence[str]:
    """A name server by which every name is this machine."""
    return ["127.0.0.1"]


async def talk(port: int, body: bytes = b"", *, host: str = "t.example", deadline: float = 5.0) -> Exchange:
    async with WireTransport("loopback", resolver=here) as transport:
        url = f"https://{host}:{port}/p"
        return await transport.send(Request("POST" if body else "GET", url, {}, body), ends_at=within(deadline))


async def against(tls: ssl.SSLContext, behave: Behave, body: bytes = b"", host: str = "t.example") -> Exchange:
    async with serving(behave, tls) as server:
        return await talk(server.port, body, host=host)


@pytest.mark.parametrize("host", ["t.example", "T.Example", "t.example."])
def test_a_receiver_that_proves_its_name_is_talked_to(on_loop: OnLoop, host: str) -> None:
    found = on_loop(against(showing("trusted"), answering(OK), host=host))
    assert found.reply is not None
    assert (found.phase, found.reply.body, found.error) == (Phase.DONE, b"OK", None)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_are_spoken_and_connections_kept(on_loop: OnLoop, version: ssl.TLSVersion) -> None:
    tls = showing("trusted")
    tls.minimum_version = tls.maximum_version = version

    async def go() -> tuple[list[bool], Server]:
        async with serving(answering(OK), tls) as server, WireTransport("loopback", resolver=here) as transport:
            url = f"https://t.example:{server.port}/"
            replies = [await transport.send(Request("GET", url, {}), ends_at=within(5)) for _ in range(3)]
            return [each.reply is not None for each in replies], server

    replied, server = on_loop(go())
    assert (replied, len(server.requests), server.connections) == ([True] * 3, 3, 1)


@pytest.mark.parametrize("certificate", ["expired", "other_host", "self_signed"])
def test_row_08_a_certificate_that_proves_nothing_is_the_set_ups_fault(on_loop: OnLoop, certificate: str) -> None:
    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK), showing(certificate)) as server:
            return await talk(server.port, b"money"), server

    found, server = on_loop(go())
    assert (found.proven_unsent, found.configuration, found.phase) == (True, True, Phase.TLS)
    assert found.error == "TLS: the certificate is not trusted for this host"
    assert server.requests == []


def test_row_08_a_name_that_the_certificate_does_not_hold_is_not_believed(on_loop: OnLoop) -> None:
    for host in ("127.0.0.1", "u.example"):
        found = on_loop(against(showing("trusted"), answering(OK), host=host))
        assert (found.proven_unsent, found.configuration, found.phase) == (True, True, Phase.TLS)


def test_row_08_an_authority_that_the_system_does_not_know_is_not_believed(
    on_loop: OnLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "self_signed.pem"))
    found = on_loop(against(showing("trusted"), answering(OK)))
    assert (found.proven_unsent, found.configuration, found.phase) == (True, True, Phase.TLS)


@contextmanager
def listening_elsewhere(tls: ssl.SSLContext) -> Iterator[int]:
    """A receiver in a thread: those of an event loop keep to themselves why a handshake failed."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            tls.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_row_08_an_old_version_of_tls_is_the_set_ups_fault(on_loop: OnLoop) -> None:
    with listening_elsewhere(of_the_past()) as port:
        found = on_loop(talk(port, b"money"))
    assert (found.proven_unsent, found.configuration, found.phase) == (True, True, Phase.TLS)
    assert found.error == "TLS: the handshake failed"


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks HTTP where TLS is due."""
    await reader.read(1)
    writer.write(OK)
    await writer.drain()
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4_096)
    writer.close()


async def in_the_handshake(behave: Behave, deadline: float = 5.0) -> Exchange:
    """An attempt at a port that does this instead of a handshake."""
    async with listening(behave) as port:
        return await talk(port, b"money", deadline=deadline)


def test_a_port_that_speaks_no_tls_is_the_set_ups_fault(on_loop: OnLoop) -> None:
    found = on_loop(in_the_handshake(greet))
    assert (found.proven_unsent, found.configuration, found.error) == (True, True, "TLS: the handshake failed")


@pytest.mark.parametrize("behave", [hang_up, reset])
def test_a_receiver_that_hangs_up_in_the_handshake_may_only_be_overloaded(on_loop: OnLoop, behave: Behave) -> None:
    found = on_loop(in_the_handshake(behave))
    assert (found.proven_unsent, found.configuration, found.phase) == (True, False, Phase.TLS)
    assert (found.error or "").startswith("the connection failed")


@pytest.mark.parametrize(
    ("level", "alert", "error", "configuration"),
    [
        (1, 0, "the connection failed (closed by the receiver)", False),
        (2, 80, "TLS: the receiver had an internal error", False),
        *((2, alert, "TLS: the handshake failed", True) for alert in (40, 70, 71, 112)),
    ],
)
def test_a_receiver_that_says_why_it_will_not_talk_is_heard(
    on_loop: OnLoop, level: int, alert: int, error: str, configuration: bool
) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4_096)
        writer.write(bytes([21, 3, 3, 0, 2, level, alert]))
        await reader.read()

    found = on_loop(in_the_handshake(say))
    assert (found.error, found.configuration, found.proven_unsent) == (error, configuration, True)


def test_silence_in_the_handshake_ends_at_the_deadline(on_loop: OnLoop) -> None:
    found = on_loop(in_the_handshake(hang, SOON))
    assert (found.proven_unsent, found.configuration, found.phase) == (True, False, Phase.TLS)
    assert found.error == "the deadline passed"


def test_a_long_request_arrives_byte_for_byte(on_loop: OnLoop) -> None:
    body = bytes(range(256)) * 8_192

    async def go() -> tuple[Exchange, Server]:
        async with serving(answering(OK), showing("trusted")) as server:
            return await talk(server.port, body, deadline=20), server

    found, server = on_loop(go())
    assert found.reply is not None
    assert [each.partition(b"\r\n\r\n")[2] == body for each in server.requests] == [True]


UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\n\r\nOK"


def test_a_reply_up_to_the_close_needs_the_goodbye_of_tls(on_loop: OnLoop) -> None:
    async def say_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UNTIL_CLOSED)
        await writer.drain()
        raise ConnectionResetError

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UNTIL_CLOSED)
        await writer.drain()
        writer.transport.abort()

    whole = on_loop(against(showing("trusted"), say_goodbye))
    assert whole.reply is not None
    assert whole.reply.body == b"OK"
    found = on_loop(against(showing("trusted"), cut))
    assert (found.reply, found.proven_unsent, found.error) == (None, False, "the reply broke off")
