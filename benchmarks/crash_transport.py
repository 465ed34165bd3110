"""The wire client of a worker that may die at the network.

Belongs here: the points between a connection and its reply, at the client's own seams.
"""

from __future__ import annotations

import os

from benchmarks.crash_points import Death, Point
from postback_pipeline.delivery.transport import WireTransport
from postback_pipeline.delivery.transport_connection import Attempt, Connection
from postback_pipeline.delivery.transport_request import Origin
from postback_pipeline.destinations.base import Reply


class MortalTransport(WireTransport):
    """The real client on loopback."""

    def __init__(self, death: Death) -> None:
        super().__init__("loopback")
        self._death = death

    async def _connect(self, origin: Origin, attempt: Attempt) -> Connection:
        connection = await super()._connect(origin, attempt)
        self._death.at(Point.AFTER_CONNECT)
        return connection

    def _write(self, connection: Connection, head: bytes, body: bytes) -> None:
        part = _part(self._death.point, head, body)
        if part is None:
            super()._write(connection, head, body)
            return

        def leave() -> None:
            # Straight to the socket: an event loop may keep bytes for a moment, and a kill does not wait for it.
            os.write(connection._transport.get_extra_info("socket").fileno(), part)

        if not self._death.at(self._death.point, leave):
            super()._write(connection, head, body)

    def _received(self, connection: Connection, reply: Reply) -> Reply:
        self._death.at(Point.AFTER_RESPONSE)
        return super()._received(connection, reply)


def _part(point: Point | None, head: bytes, body: bytes) -> bytes | None:
    """What of a request leaves before its worker dies; None if it does not die while writing."""
    if point is Point.AFTER_HEADERS:
        return head if body else head[:-1]
    if point is Point.MID_BODY:
        return head + body[: len(body) // 2] if body else head[: len(head) // 2]
    return head + body if point is Point.AFTER_BODY else None
