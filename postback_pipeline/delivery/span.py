"""How long a drain may go on: until its budget is spent or it is told to stop.

Belongs here: that end, and waiting no longer than until then. Does not belong here: other reasons to end.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal


class Span:
    """The time of one drain, on the event loop's clock; begins now.

    Args:
        budget_seconds: how long it may last.
        stop: ends it early.
    """

    def __init__(self, budget_seconds: float, stop: asyncio.Event) -> None:
        self.stop = stop
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._ends_at = self._began_at + budget_seconds

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._loop.time() - self._began_at

    @property
    def over(self) -> Literal["stopped", "budget"] | None:
        """Why it is over; None as long as it is not."""
        if self.stop.is_set():
            return "stopped"
        return "budget" if self._loop.time() >= self._ends_at else None

    async def sleep(self, seconds: float) -> None:
        """Waits, but not beyond the end."""
        seconds = min(seconds, self._ends_at - self._loop.time())
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), seconds)
