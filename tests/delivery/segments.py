"""Receivers without a network, whose replies arrive in exactly the segments that a test wants."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.delivery.transport_connection import Attempt, Connection
from postback_pipeline.delivery.transport_request import Origin
from postback_pipeline.destinations.base import Request


class Segments(asyncio.Transport):
    """Takes everything, and answers the first write with these segments and the end of the stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, segments: Sequence[bytes]) -> None:
        super().__init__()
        self._loop = loop
        self._connection = connection
        self._segments: Sequence[bytes] | None = segments
        self._closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return None

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        segments, self._segments = self._segments, None
        if segments is not None:
            self._loop.call_soon(self._answer, segments)

    def _answer(self, segments: Sequence[bytes]) -> None:
        for segment in segments:
            if segment and not self._closing:
                self._connection.data_received(segment)
        if not self._closing:
            self._connection.eof_received()

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._connection.connection_lost, None)


class _SegmentTransport(WireTransport):
    """Whose connections are made of segments."""

    segments: Sequence[bytes] = ()

    async def _connect(self, origin: Origin, attempt: Attempt) -> Connection:
        loop = asyncio.get_running_loop()
        with socket.socket() as unconnected:
            connection = Connection(loop, unconnected)
        connection.connection_made(Segments(loop, connection, self.segments))
        return connection


class Receivers:
    """Answers requests on an event loop of its own; a context manager."""

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.__exit__(kind, error, trace)

    def answer(self, segments: Sequence[bytes]) -> Exchange:
        """The exchange with a receiver that replies like this and closes its side."""

        async def go() -> Exchange:
            async with _SegmentTransport("loopback") as transport:
                transport.segments = segments
                return await transport.send(Request("GET", "http://127.0.0.1/", {}), ends_at=clock.now() + 30)

        return self._runner.run(go())
