"""Group commit: results of many attempts in one durable transaction.

Belongs here: collecting results for a moment and recording them together. Does not belong here: what a result says
(`judging`), what becomes of the postback (the ledger).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from postback_pipeline.ledger import LedgerUnavailable, Result

#: A result waits for others at most this long, and for at most so many of them.
BATCH_SECONDS = 0.05
BATCH_ROWS = 250
#: More may not wait for the database: sending waits then, too.
MOST_WAITING = 4 * BATCH_ROWS


class Recorder:
    """Takes results one by one and records them in groups.

    Args:
        record: records a group durably and returns how many of them came too late.
        patience: how long a group is tried again while the database does not answer. Seconds.
    """

    def __init__(self, record: Callable[[Sequence[Result]], Awaitable[int]], patience: float) -> None:
        self._record = record
        self._patience = patience
        self._waiting: list[Result] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        #: Results whose lease another worker had taken over: recorded as such, they changed no state.
        self.stale = 0

    def put(self, result: Result) -> None:
        """Adds one result; it is durable a moment later."""
        self._waiting.append(result)
        self._idle.clear()
        self._some.set()
        if len(self._waiting) >= BATCH_ROWS:
            self._enough.set()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()

    async def room(self) -> None:
        """Returns when there is room for more results; at once, unless the database is slow."""
        await self._room.wait()

    async def flushed(self) -> None:
        """Returns when everything is recorded, or will not be any more."""
        await self._idle.wait()

    def close(self) -> None:
        """Lets `run` return once everything is recorded."""
        self._closing = True
        self._some.set()
        self._enough.set()

    async def run(self) -> None:
        """Records until closed.

        Raises:
            LedgerUnavailable: the database stayed away for longer than the patience; what was not recorded becomes
                unknown when its lease runs out.
        """
        try:
            while self._waiting or not self._closing:
                await self._some.wait()
                if not self._closing:
                    await self._gather()
                group, self._waiting = self._waiting, []
                self._room.set()
                if group:
                    self.stale += await self._durably(group)
                if not self._waiting:
                    self._idle.set()
        finally:
            # Nobody waits for a recorder that gave up.
            self._room.set()
            self._idle.set()

    async def _gather(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), BATCH_SECONDS)
        if not self._closing:
            self._some.clear()
            self._enough.clear()

    async def _durably(self, group: list[Result]) -> int:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._patience
        while True:
            try:
                return await self._record(group)
            except LedgerUnavailable:
                if loop.time() >= ends_at:
                    raise
                await asyncio.sleep(0.5)
