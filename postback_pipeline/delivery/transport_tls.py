"""A connection under TLS.

Belongs here: handshake, encryption, and how a stream ends. It is done on the bytes themselves, not by the event loop:
so that a handshake's end, a request's first byte and the receiver's orderly goodbye are each known for certain, and
the same on every event loop.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from postback_pipeline.delivery.transport_connection import Connection
from postback_pipeline.delivery.transport_errors import CLOSED, WireError

_READ_BYTES = 64 * 1024


class TlsConnection(Connection):
    """A connection under TLS: always verified, for the name in the URL."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "handshake")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connected: socket.socket, context: ssl.SSLContext, host: str
    ) -> None:
        super().__init__(loop, connected)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host.rstrip("."))
        #: Done when requests can be written. An SSLError: the receiver is not who it should be, or speaks no TLS that
        #: is taken; anything else: the connection broke meanwhile.
        self.handshake: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands; the handshake begins."""
        super().connection_made(transport)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Bytes of TLS came."""
        self._incoming.write(data)
        if not self.handshake.done():
            self._shake_hands()
        if self.handshake.done() and self.usable:
            self._decrypt()

    def eof_received(self) -> None:
        """The receiver has closed its side without TLS's goodbye: what came may have been cut short by anybody."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._end_handshake(exc or WireError(CLOSED))

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as failure:
            # Tells the receiver why.
            self._flush()
            self._end_handshake(failure)
            self.abort()
        else:
            self._flush()
            self.handshake.set_result(None)

    def _end_handshake(self, failure: Exception) -> None:
        if not self.handshake.done():
            self.handshake.set_exception(failure)
            # Whoever waited may be gone: that is no news then.
            self.handshake.exception()

    def _decrypt(self) -> None:
        try:
            while self.usable:
                data = self._tls.read(_READ_BYTES)
                if not data:
                    self._closed_by_receiver()
                    return
                self._read(data)
        except ssl.SSLWantReadError:
            # What TLS itself has to say meanwhile.
            self._flush()
        except ssl.SSLError:
            self.connection_lost(None)

    def _put(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError:
            self.connection_lost(None)
        self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())
