"""Group commit: results of many attempts in one durable transaction.

Belongs here: collecting results for a moment and recording them together. Does not belong here: what a result says
(`judging`), what becomes of the postback (the ledger).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from postback_pipeline.ledger import Recorded, Result

#: A result waits for others at most this long, and for about so many of them.
GROUP_SECONDS = 0.05
GROUP_ROWS = 2_000
#: More may not wait for the database: sending waits then, too.
MOST_WAITING = 4 * GROUP_ROWS


class Recorder:
    """Takes results and records them in groups.

    Args:
        record: records a group durably.
        hear: is told after every group where the destination stands since.
    """

    def __init__(
        self, record: Callable[[Sequence[Result]], Awaitable[Recorded]], hear: Callable[[Recorded], None]
    ) -> None:
        self._record = record
        self._hear = hear
        self._waiting: list[Result] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    def put(self, results: Sequence[Result]) -> None:
        """Adds results; they are durable a moment later."""
        self._waiting += results
        self._idle.clear()
        self._some.set()
        if len(self._waiting) >= GROUP_ROWS:
            self._enough.set()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()

    @property
    def has_room(self) -> bool:
        """Whether more results may come; False while the database is slow."""
        return self._room.is_set()

    async def room(self) -> None:
        """Returns when there is room for more results."""
        await self._room.wait()

    async def flushed(self) -> None:
        """Returns when everything is recorded, or will not be any more; nothing waits for company meanwhile."""
        if self._waiting:
            self._enough.set()
        await self._idle.wait()

    def close(self) -> None:
        """Lets `run` return once everything is recorded."""
        self._closing = True
        self._some.set()
        self._enough.set()

    async def run(self) -> None:
        """Records until closed.

        Raises:
            LedgerUnavailable: what was not recorded becomes unknown when its lease runs out.
        """
        try:
            while self._waiting or not self._closing:
                await self._some.wait()
                if not self._closing:
                    await self._gather()
                group, self._waiting = self._waiting, []
                self._room.set()
                if group:
                    self._hear(await self._record(group))
                if not self._waiting:
                    self._idle.set()
        finally:
            # Nobody waits for a recorder that gave up.
            self._room.set()
            self._idle.set()

    async def _gather(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), GROUP_SECONDS)
        if not self._closing:
            self._some.clear()
            self._enough.clear()
