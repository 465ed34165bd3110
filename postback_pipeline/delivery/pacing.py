"""How fast a destination is called: its rate limit, and how much is in flight as its health allows.

Belongs here: pure bookkeeping for one drain of one destination. Does not belong here: what a receiver asked for
(`retry_after`), a postback's own backoff (the ledger).
"""

from __future__ import annotations

#: So many attempts in a row without an answer to work with, and the destination is left alone for a while.
FAILURES_TO_TRIP = 10


class Pace:
    """Spaces requests evenly, `rate` per second; None for no limit."""

    def __init__(self, rate: float | None) -> None:
        self._interval = 1.0 / rate if rate else 0.0
        self._next = float("-inf")

    def turn(self, now: float) -> float:
        """Takes the next turn and returns how long to wait for it. Seconds; `now` is monotonic."""
        turn = max(now, self._next)
        self._next = turn + self._interval
        return turn - now


class Window:
    """Requests in flight: one at first, one more for every success, half after a failure.

    Starting at one makes the first request after an outage a probe with a real postback, and lets the rest follow
    as fast as the receiver answers.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self._trips = 0
        self.size = 1

    def succeeded(self) -> None:
        """The receiver answered with a verdict, whichever."""
        self._failures = self._trips = 0
        self.size = min(self._limit, self.size + 1)

    def failed(self) -> bool:
        """No answer to work with; True when the destination should be left alone for a while.

        Until the next success every further failure says so again: the first request after a wait is a probe.
        """
        self._failures += 1
        self.size = max(1, self.size // 2)
        return self._failures >= FAILURES_TO_TRIP

    def trip(self, first_seconds: float, max_seconds: float) -> float:
        """How long to leave it alone: twice as long every time in a row. Seconds."""
        self._trips += 1
        return float(min(max_seconds, first_seconds * 2.0 ** min(self._trips - 1, 64)))
