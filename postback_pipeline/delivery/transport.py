"""One request, one exchange: the seam to the network, and our own HTTP/1.1 client behind it.

Belongs here: how far a request got, what came back whole, and the limits of an attempt (one total deadline, allowed
addresses only, no redirects, no second try, no cookies, no proxy from the environment); which connection it takes.
Does not belong here: what happens on a connection (`transport_connection`), what a reply means, retries, pacing.
Nothing here logs; error texts are our own words and show no URL.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from aiohappyeyeballs import AddrInfoType, start_connection

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.addresses import AddressRefused, Allowed, Names, Resolver
from postback_pipeline.delivery.transport_connection import Attempt, Connection
from postback_pipeline.delivery.transport_errors import CLOSED, WireError, explain
from postback_pipeline.delivery.transport_pool import Deadlines, Pool
from postback_pipeline.delivery.transport_reply import BODY_CAP
from postback_pipeline.delivery.transport_request import Origin, split_url
from postback_pipeline.delivery.transport_tls import TlsConnection
from postback_pipeline.destinations.base import Reply, Request
from postback_pipeline.model import Phase

#: Idle connections are dropped before common servers do (Node and Apache: 5 s), so that a request seldom meets a
#: connection that is just being closed: its fate would be unknown.
KEEP_ALIVE_SECONDS = 3.0
#: After so long the next address of a name is tried beside the first (RFC 8305).
NEXT_ADDRESS_SECONDS = 0.25


class Exchange(NamedTuple):
    """How one attempt went, as far as this machine can tell."""

    phase: Phase
    #: Only if it came back whole.
    reply: Reply | None
    #: No byte of the request was ever handed to a socket.
    proven_unsent: bool
    #: Why there is no reply; our own words.
    error: str | None
    #: Seconds.
    elapsed: float
    #: The error is the set-up's (address not allowed, TLS): it pauses the destination.
    configuration: bool = False


class Transport(Protocol):
    """The seam: tests and better clients put something else here. An async context manager that sends."""

    async def __aenter__(self) -> Self:
        """Begins."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets everything go that it holds."""

    async def send(self, request: Request, *, ends_at: float) -> Exchange:
        """Makes one attempt, of which nothing leaves after `ends_at` (`clock.now`).

        Raises nothing but a cancellation.
        """


class WireTransport:
    """The default transport; an async context manager that holds the connections.

    Every step on the wire is a method that a subclass may override, to stop in the middle of it: `_connect` returns a
    connection that stands and over which nothing was written; `_write` writes a request's head and body to it (it may
    call `connection.write` with a part only); `_received` sees a whole reply before the caller does.

    Args:
        allow: `loopback` for test mode, `public` for live mode.
        allow_http: live mode may send in clear.
        resolver: asked for addresses instead of the system; its answers are checked all the same.
        keep_alive_seconds: idle connections are dropped after so long.
    """

    def __init__(
        self,
        allow: Allowed,
        *,
        allow_http: bool = False,
        resolver: Resolver | None = None,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        self._https_only = allow == "public" and not allow_http
        self._names = Names(allow, resolver)
        self._keep_alive = keep_alive_seconds
        self._pools: dict[str, Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._deadlines: Deadlines
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._loop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop = None
        self._names.close()
        self._deadlines.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for pool in self._pools.values():
            pool.drop(clock.now())
        # Sockets are closed in the loop's next turn.
        await asyncio.sleep(0)

    async def send(self, request: Request, *, ends_at: float) -> Exchange:
        """Makes one attempt: from resolving to the last byte of the reply before `ends_at`, by `clock.now`."""
        started = clock.now()
        attempt = Attempt(ends_at)
        reply: Reply | None = None
        error: str | None = None
        configuration = False
        try:
            reply = await self._exchange(request, attempt, started)
        except Exception as failure:
            error, configuration = explain(failure, connected=attempt.connected)
        elapsed = clock.now() - started
        return Exchange(attempt.phase, reply, not attempt.sent, error, elapsed, configuration)

    async def _exchange(self, request: Request, attempt: Attempt, now: float) -> Reply:
        if self._loop is None:
            raise RuntimeError("the transport is used outside of its context")
        origin, target = split_url(request.url)
        pool = self._pools.get(origin) or self._pool(origin)
        head = pool.origin.head(request, target)
        connection = pool.take(now, self._keep_alive) or await self._connect(pool.origin, attempt)
        attempt.connected = True
        if not connection.usable:
            raise WireError(CLOSED)
        answer = connection.begin(attempt, request.longest_reply or BODY_CAP)
        self._deadlines.watch(connection, attempt.ends_at)
        try:
            self._write(connection, head, request.body)
            reply = self._received(connection, await answer)
        except BaseException:
            connection.abort()
            raise
        finally:
            self._deadlines.leave(connection)
        if connection.usable:
            self._keep(connection, pool)
        return reply

    def _write(self, connection: Connection, head: bytes, body: bytes) -> None:
        """Writes a request, of which nothing has left before."""
        connection.write(head, body)

    def _received(self, connection: Connection, reply: Reply) -> Reply:
        """Sees every whole reply."""
        return reply

    async def _connect(self, origin: Origin, attempt: Attempt) -> Connection:
        """Opens a connection to an address that was judged, within the attempt's deadline.

        Raises:
            OSError: there is none.
            WireError: the receiver hung up.
        """
        async with asyncio.timeout(attempt.ends_at - clock.now()):
            addresses = await self._names.addresses(origin.host)
            attempt.phase = Phase.CONNECTING
            try:
                connected = await start_connection(
                    [_address_info(address, origin.port) for address in addresses],
                    happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
                )
            except OSError:
                self._names.forget(origin.host)
                raise
            attempt.connected = True
            try:
                return await self._open(origin, connected, attempt)
            except BaseException:
                connected.close()
                raise

    async def _open(self, origin: Origin, connected: socket.socket, attempt: Attempt) -> Connection:
        loop = asyncio.get_running_loop()
        if not origin.tls:
            connection = Connection(loop, connected)
            await loop.create_connection(lambda: connection, sock=connected)
            return connection
        attempt.phase = Phase.TLS
        if self._tls is None:
            self._tls = ssl.create_default_context()
        secured = TlsConnection(loop, connected, self._tls, origin.host)
        await loop.create_connection(lambda: secured, sock=connected)
        try:
            await secured.handshake
        except BaseException:
            secured.abort()
            raise
        return secured

    def _pool(self, text: str) -> Pool:
        origin = Origin(text)
        if self._https_only and not origin.tls:
            raise AddressRefused("mode live sends over https only")
        pool = self._pools[text] = Pool(origin)
        return pool

    def _keep(self, connection: Connection, pool: Pool) -> None:
        if self._loop is None:
            connection.abort()
            return
        pool.idle.append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._keep_alive, self._sweep)

    def _sweep(self) -> None:
        """Drops what was idle for too long, as long as anything is idle."""
        self._sweeping = None
        before = clock.now() - self._keep_alive
        for pool in self._pools.values():
            pool.drop(before)
        if self._loop is not None and any(pool.idle for pool in self._pools.values()):
            self._sweeping = self._loop.call_later(self._keep_alive / 3, self._sweep)


def _address_info(address: str, port: int) -> AddrInfoType:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
