"""How fast a destination is called: its rate limit, and how much is in flight as its health allows.

Belongs here: pure bookkeeping for one drain of one destination. Does not belong here: what a receiver asked for
(`retry_after`), a postback's own backoff and what all workers share (the ledger).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

#: So many attempts in a row without an answer to work with, and the destination is left alone for a while.
FAILURES_TO_TRIP = 10
#: Or so much time of such attempts: a receiver that hangs costs a few deadlines, not ten, before it is left alone.
SECONDS_TO_TRIP = 45.0
#: Turns are reserved for about this long at a time. Seconds.
RESERVED_SECONDS = 3.0
#: A turn may be taken so much too late: no event loop wakes on the dot. Seconds.
GRACE_SECONDS = 0.02


class Turns:
    """Spaces requests evenly over all workers of a destination: each takes turns of its own from the ledger.

    Args:
        rate: turns per second.
        reserve: takes so many turns in a row and returns the monotonic instant of the first one.
        clock: monotonic. Seconds.
    """

    def __init__(self, rate: float, reserve: Callable[[int], Awaitable[float]], clock: Callable[[], float]) -> None:
        self._interval = 1.0 / rate
        self._most = max(1, int(rate * RESERVED_SECONDS))
        self._reserve = reserve
        self._clock = clock
        self._next = 0.0
        self._left = 0

    async def take(self, wanted: int) -> float:
        """The instant of the next turn; reserves no more than `wanted` if none is left. Turns that passed are lost."""
        missed = self._clock() - max(GRACE_SECONDS, self._interval) - self._next
        if self._left and missed > 0:
            skipped = min(self._left, int(missed / self._interval) + 1)
            self._left -= skipped
            self._next += skipped * self._interval
        if not self._left:
            count = max(1, min(wanted, self._most))
            self._next = await self._reserve(count)
            self._left = count
        turn = self._next
        self._left -= 1
        self._next += self._interval
        return turn


class Window:
    """Requests in flight: one at first, one more for every success, half after a failure.

    Starting at one makes the first request after an outage a probe with a real postback, and lets the rest follow
    as fast as the receiver answers.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self._lost_seconds = 0.0
        self.size = 1

    def succeeded(self) -> None:
        """The receiver answered with a verdict, whichever."""
        self._failures, self._lost_seconds = 0, 0.0
        if self.size < self._limit:
            self.size += 1

    def failed(self, seconds: float) -> bool:
        """No answer to work with, after so long; True when the destination should be left alone for a while.

        Until the next success every further failure says so again: the first request after a wait is a probe.
        """
        self._failures += 1
        self._lost_seconds += seconds
        self.size = max(1, self.size // 2)
        return self._failures >= FAILURES_TO_TRIP or self._lost_seconds >= SECONDS_TO_TRIP

    @property
    def failures(self) -> int:
        """Attempts in a row without an answer to work with."""
        return self._failures

    def doubt(self) -> None:
        """Its health is in doubt, perhaps because of what others met: one at a time again."""
        self.size = 1
