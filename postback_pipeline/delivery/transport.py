"""One request, one exchange: the seam to the network, and aiohttp behind it.

Belongs here: how far a request got, what came back whole, and the limits of an attempt (one total deadline, a capped
body, no redirects, no hidden second try, no proxy from the environment, allowed addresses only). Does not belong
here: what a reply means, retries, pacing. Nothing here logs; error texts are our own words and show no URL.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
import time
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any, Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from postback_pipeline.delivery.addresses import AddressRefused, Allowed, GuardedResolver, check_address, is_literal
from postback_pipeline.destinations.base import Reply, Request
from postback_pipeline.model import Phase

#: Longest reply that is read, after decompression. Bytes.
BODY_CAP = 64 * 1024
#: Idle connections are dropped before common servers do (Node and Apache: 5 s), so that a request seldom meets a
#: connection that is just being closed: its fate would be unknown.
KEEP_ALIVE_SECONDS = 3.0

USER_AGENT = "postback-pipeline"


@dataclass(frozen=True, slots=True)
class Exchange:
    """How one attempt went, as far as this machine can tell."""

    phase: Phase
    #: Only if it came back whole.
    reply: Reply | None
    #: No connection was ever obtained, so no byte of the request left.
    proven_unsent: bool
    #: Why there is no reply; our own words.
    error: str | None
    #: Seconds.
    elapsed: float
    #: The error is the set-up's (address not allowed, TLS): it pauses the destination.
    configuration: bool = False


class Transport(Protocol):
    """The seam: tests and better clients put something else here."""

    async def send(self, request: Request, *, deadline_seconds: float) -> Exchange:
        """Makes one attempt. Raises nothing but a cancellation."""


class _Progress:
    """How far one attempt got; moved on by aiohttp's tracing hooks."""

    __slots__ = ("connected", "ends_at", "has_body", "phase")

    def __init__(self, has_body: bool, ends_at: float) -> None:
        self.phase = Phase.RESOLVING
        self.has_body = has_body
        self.ends_at = ends_at
        self.connected = False


class _BodyTooLong(Exception):
    pass


class AiohttpTransport:
    """The default transport; an async context manager that holds the connections.

    Args:
        allow: `loopback` for test mode, `public` for live mode.
        allow_http: live mode may send in clear.
        resolver: asked for addresses instead of the system; its answers are checked all the same.
    """

    def __init__(self, allow: Allowed, *, allow_http: bool = False, resolver: AbstractResolver | None = None) -> None:
        self._allow: Allowed = allow
        self._https_only = allow == "public" and not allow_http
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._allow, self._resolver),
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=30,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            connector_owner=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            skip_auto_headers=("Content-Type",),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            trace_configs=[_tracing()],
        )
        # aiohttp would send an idempotent request a second time after a reset, unseen.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request, *, deadline_seconds: float) -> Exchange:
        """Makes one attempt, from resolving to the last byte of the reply within the deadline."""
        started = time.perf_counter()
        ends_at = asyncio.get_running_loop().time() + deadline_seconds
        progress = _Progress(bool(request.body), ends_at)
        reply: Reply | None = None
        error: str | None = None
        configuration = False
        try:
            url = URL(request.url, encoded=True)
            self._check_target(url, progress)
            async with asyncio.timeout_at(ends_at):
                reply = await self._exchange(request, url, progress)
        except Exception as failure:
            error, configuration = _explain(failure)
        elapsed = time.perf_counter() - started
        return Exchange(progress.phase, reply, not progress.connected, error, elapsed, configuration)

    def _check_target(self, url: URL, progress: _Progress) -> None:
        if self._https_only and url.scheme != "https":
            raise AddressRefused("mode live sends over https only")
        if is_literal(url.raw_host or ""):
            # A literal address never passes a resolver.
            check_address(url.raw_host or "", self._allow)
            progress.phase = Phase.CONNECTING

    async def _exchange(self, request: Request, url: URL, progress: _Progress) -> Reply:
        if self._session is None:
            raise RuntimeError("the transport is used outside of its context")
        response = await self._session.request(
            request.method,
            url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=progress,
        )
        try:
            progress.phase = Phase.BODY
            body = await _capped_body(response)
            progress.phase = Phase.DONE
            return Reply(response.status, response.headers, body)
        finally:
            # Closes the connection if something is left on it; one that was read to its end went back already.
            response.close()


async def _capped_body(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > BODY_CAP:
            raise _BodyTooLong
        chunks.append(chunk)
    return b"".join(chunks)


def _tracing() -> aiohttp.TraceConfig:
    hooks = aiohttp.TraceConfig()
    hooks.on_dns_resolvehost_end.append(_resolved)
    hooks.on_dns_cache_hit.append(_resolved)
    hooks.on_connection_create_end.append(_connected)
    hooks.on_connection_reuseconn.append(_connected)
    hooks.on_request_headers_sent.append(_writing_headers)
    hooks.on_request_chunk_sent.append(_writing_body)
    return hooks


async def _resolved(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    context.trace_request_ctx.phase = Phase.CONNECTING


async def _connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    progress: _Progress = context.trace_request_ctx
    progress.connected = True
    progress.phase = Phase.WRITING


async def _writing_headers(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    progress: _Progress = context.trace_request_ctx
    # A process that was stopped while connecting wakes up here, perhaps after its lease: no byte may leave then.
    if asyncio.get_running_loop().time() >= progress.ends_at:
        raise TimeoutError
    if not progress.has_body:
        progress.phase = Phase.HEAD


async def _writing_body(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    context.trace_request_ctx.phase = Phase.HEAD


def _explain(failure: Exception) -> tuple[str, bool]:
    """Our own words for a failure, and whether the set-up is at fault."""
    cause = getattr(failure, "os_error", failure)
    if isinstance(cause, AddressRefused):
        return str(cause), True
    # A peer that hangs up during the handshake may only be overloaded; a refused certificate stays refused.
    if not isinstance(cause, ssl.SSLEOFError):
        for kind, words in _SET_UP_ERRORS.items():
            if isinstance(failure, kind):
                return words, True
    for kind, words in _ERRORS.items():
        if isinstance(failure, kind):
            return words, False
    if isinstance(failure, aiohttp.ClientConnectorError):
        return f"no connection ({errno.errorcode.get(failure.errno or 0, 'unknown cause')})", False
    return f"the connection failed ({type(failure).__name__})", False


_SET_UP_ERRORS: dict[type[Exception], str] = {
    aiohttp.ClientConnectorCertificateError: "TLS: the certificate is not trusted for this host",
    aiohttp.ClientConnectorSSLError: "TLS: the handshake failed",
    aiohttp.InvalidURL: "the URL is not valid",
}

_ERRORS: dict[type[Exception], str] = {
    aiohttp.ClientConnectorDNSError: "the host name was not resolved",
    TimeoutError: "the deadline passed",
    _BodyTooLong: f"the reply is longer than {BODY_CAP} bytes",
    aiohttp.ClientPayloadError: "the reply broke off",
}
