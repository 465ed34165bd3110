"""Connections while nothing is asked of them, and while something is.

Belongs here: which idle connection is taken and which is dropped; the deadlines of those in use. Does not belong here:
what goes over them (`transport_connection`).
"""

from __future__ import annotations

import asyncio
import math

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.transport_connection import Connection
from postback_pipeline.delivery.transport_request import Origin

#: One that was idle for longer may have been closed without the event loop having seen it yet: the socket is asked.
_SURE_SECONDS = 0.05
#: Event loops count in milliseconds, and may be as early as that.
_EARLY_SECONDS = 0.001


class Deadlines:
    """Ends attempts at their deadlines, exactly, and with one timer for all of them: it seldom has to run."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ends: dict[Connection, float] = {}
        #: The timer runs then, or before: not after the earliest of them.
        self._runs_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, connection: Connection, ends_at: float) -> None:
        """From now on until `leave`; `ends_at` is by `clock.now`."""
        self._ends[connection] = ends_at
        if ends_at < self._runs_at:
            self._run_at(ends_at)

    def leave(self, connection: Connection) -> None:
        """Its attempt has ended."""
        del self._ends[connection]

    def close(self) -> None:
        """Watches nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _run_at(self, instant: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._runs_at = instant
        self._timer = self._loop.call_later(instant - clock.now(), self._run)

    def _run(self) -> None:
        self._timer, self._runs_at = None, math.inf
        now = clock.now() + _EARLY_SECONDS
        for connection in [each for each, ends_at in self._ends.items() if ends_at <= now]:
            connection.time_out()
        to_come = min((ends_at for ends_at in self._ends.values() if ends_at > now), default=math.inf)
        if to_come < math.inf:
            self._run_at(to_come)


class Pool:
    """The idle connections to one origin; the one that was used last goes first."""

    __slots__ = ("idle", "origin")

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.idle: list[Connection] = []

    def take(self, now: float, keep_alive: float) -> Connection | None:
        """One that stands, as far as anybody here can know.

        Args:
            now: by `clock.now`.
            keep_alive: seconds; one that was idle for longer is dropped.
        """
        while self.idle:
            connection = self.idle.pop()
            idle = now - connection.idle_since
            sure = connection.usable and (idle < _SURE_SECONDS or connection.is_quiet())
            if sure and idle < keep_alive:
                return connection
            connection.abort()
        return None

    def drop(self, before: float) -> None:
        """Drops those that were idle since before an instant by `clock.now`."""
        for connection in self.idle:
            if connection.idle_since <= before:
                connection.abort()
        self.idle = [connection for connection in self.idle if connection.usable]
