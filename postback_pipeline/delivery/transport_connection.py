"""One connection to a receiver: writes a request, knows how far it got, hands its bytes on to the reader.

Belongs here: what happens on one connection. Does not belong here: TLS (`transport_tls`), when one is opened, reused
or dropped (`transport`, `transport_pool`), what a reply looks like (`transport_reply`).
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.transport_errors import BROKE_OFF, CLOSED, WireError
from postback_pipeline.delivery.transport_reply import BODY_CAP, ReplyReader
from postback_pipeline.destinations.base import Reply
from postback_pipeline.model import Phase

#: So much is handed to the socket at a time. What is still here when the deadline passes stays here.
WRITE_BYTES = 64 * 1024
#: Phases of an attempt whose answer has begun; the request may still be on its way.
_ANSWERED = (Phase.HEAD, Phase.BODY)


class Attempt:
    """How far one attempt got. Moved on by its connection; nothing moves it back.

    Args:
        ends_at: its deadline, by `clock.now`.
    """

    __slots__ = ("answer", "connected", "ends_at", "phase", "sent")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.phase = Phase.RESOLVING
        #: A connection stands.
        self.connected = False
        #: A byte of the request was handed to the socket, or to TLS: from here on nothing is proof that none left.
        self.sent = False
        self.answer: asyncio.Future[Reply] | None = None


class Connection(asyncio.Protocol):
    """A connection in clear, for one attempt after the other."""

    __slots__ = ("_attempt", "_loop", "_paused", "_reader", "_socket", "_transport", "_unsent", "idle_since", "usable")

    def __init__(self, loop: asyncio.AbstractEventLoop, connected: socket.socket) -> None:
        self._loop = loop
        self._socket = connected
        self._reader = ReplyReader()
        self._attempt: Attempt | None = None
        self._unsent: bytes | memoryview = b""
        self._paused = False
        self._transport: asyncio.Transport
        #: It stands, and nothing came over it that was not asked for.
        self.usable = False
        #: When its last reply was complete, by `clock.now`.
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        # uvloop's are transports without saying so.
        self._transport = cast(asyncio.Transport, transport)
        # With no room for waiting bytes, being paused tells that some wait, and not being paused that none do.
        self._transport.set_write_buffer_limits(0)
        self.usable = True

    def is_quiet(self) -> bool:
        """Asks the socket itself whether anything came, or its end, that the event loop has not told yet."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def begin(self, attempt: Attempt, body_cap: int = BODY_CAP) -> asyncio.Future[Reply]:
        """Takes an attempt on; what `write` writes is its request. Its reply, or why there is none, is the result.

        `body_cap`: the most bytes of the reply's body, after decompression.
        """
        attempt.answer = answer = self._loop.create_future()
        self._reader.begin(body_cap)
        self._attempt = attempt
        return answer

    def write(self, head: bytes, body: bytes = b"") -> None:
        """Writes a request, or a part of it."""
        request = head + body if body else head
        self._unsent = memoryview(request) if len(request) > WRITE_BYTES else request
        if self._attempt is not None:
            self._write_on(self._attempt)

    def _write_on(self, attempt: Attempt) -> None:
        while self._unsent and not self._paused:
            # A process that was stopped wakes up anywhere: nothing leaves after the deadline.
            if clock.now() >= attempt.ends_at:
                self.fail(TimeoutError())
                return
            attempt.sent = True
            if attempt.phase not in _ANSWERED:
                attempt.phase = Phase.WRITING
            chunk, self._unsent = self._unsent[:WRITE_BYTES], self._unsent[WRITE_BYTES:]
            self._put(chunk)
        if attempt.phase is Phase.WRITING and not self._paused:
            attempt.phase = Phase.WRITTEN

    def _put(self, data: bytes | memoryview) -> None:
        self._transport.write(data)

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """The socket has taken everything."""
        self._paused = False
        if self._attempt is not None:
            self._write_on(self._attempt)

    def data_received(self, data: bytes) -> None:
        """Something came from the receiver."""
        self._read(data)

    def _read(self, data: bytes) -> None:
        attempt, reader = self._attempt, self._reader
        if attempt is None:
            # Nobody asked for it, and what it belongs to cannot be told.
            self.abort()
            return
        failure: WireError | None = None
        try:
            reader.feed(data)
        except WireError as error:
            failure = error
        attempt.phase = Phase.BODY if reader.head_complete else Phase.HEAD
        if failure is not None:
            self.fail(failure)
        elif reader.complete:
            self._finish(attempt)

    def _finish(self, attempt: Attempt) -> None:
        try:
            reply = self._reader.reply()
        except WireError as failure:
            self.fail(failure)
            return
        attempt.phase = Phase.DONE
        self._attempt = None
        self.idle_since = clock.now()
        if self._unsent or self._paused or self._reader.surplus or not self._reader.keep_alive:
            self.abort()
        if attempt.answer is not None and not attempt.answer.done():
            attempt.answer.set_result(reply)

    def eof_received(self) -> None:
        """The receiver has closed its side."""
        self._closed_by_receiver()

    def _closed_by_receiver(self) -> None:
        self.usable = False
        attempt = self._attempt
        if attempt is None:
            self.abort()
            return
        try:
            self._reader.end()
        except WireError as failure:
            self.fail(failure)
        else:
            self._finish(attempt)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.usable = False
        if self._reader.begun:
            self.fail(WireError(BROKE_OFF))
        else:
            self.fail(exc or WireError(CLOSED))

    def time_out(self) -> None:
        """The attempt's deadline has passed."""
        self.fail(TimeoutError())

    def fail(self, failure: Exception) -> None:
        """Ends the attempt, if one is being made, and the connection."""
        attempt, self._attempt = self._attempt, None
        self.abort()
        if attempt is not None and attempt.answer is not None and not attempt.answer.done():
            attempt.answer.set_exception(failure)

    def abort(self) -> None:
        """Drops the connection at once, with whatever was not written yet."""
        self._attempt = None
        self._unsent = b""
        self.usable = False
        self._transport.abort()
