"""What one drain did, in numbers that a person and a metric can use.

Belongs here: the report and how it is counted. Nothing here names a postback or a person.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from postback_pipeline.ledger import Due, Result
from postback_pipeline.model import Outcome

#: Why a drain ended: nothing is due soon, its budget is spent, it was told to stop, the destination is paused (now or
#: before), or the receiver is left alone for longer than the drain waits.
Ended = Literal["drained", "budget", "stopped", "paused", "postponed"]


@dataclass(frozen=True, slots=True)
class DrainReport:
    """One drain of one destination."""

    destination: str
    ended: Ended
    #: Why it is paused or postponed; None otherwise.
    reason: str | None
    #: Claimed postbacks; those of them that went back unsent.
    claimed: int
    released: int
    #: Attempts made, whether or not a byte left.
    requests: int
    #: accepted, duplicate, rejected, later, not_sent, unknown -> how many.
    outcomes: Mapping[str, int]
    #: Results that came after their lease was lost.
    stale: int
    #: Time of an attempt. Milliseconds; None without attempts.
    p50_ms: float | None
    p95_ms: float | None
    #: Wall time of the drain.
    seconds: float
    #: When the oldest postback that is still due became due. UTC.
    oldest_due_at: datetime | None
    #: When the next one becomes due. UTC; None if nothing will by itself.
    next_due_at: datetime | None

    @property
    def rows_per_second(self) -> float:
        """Postbacks with an outcome, per second of the drain."""
        return sum(self.outcomes.values()) / self.seconds if self.seconds else 0.0


class Tally:
    """Counts while a drain runs."""

    def __init__(self) -> None:
        self.claimed = 0
        self.released = 0
        self.outcomes: Counter[str] = Counter()
        self._milliseconds = array("d")

    def attempt(self, elapsed: float) -> None:
        """One attempt took so many seconds."""
        self._milliseconds.append(elapsed * 1000)

    def result(self, result: Result) -> None:
        """One postback got an outcome."""
        if result.duplicate:
            word = "duplicate"
        elif result.outcome is Outcome.REJECTED and not result.final:
            word = "later"
        else:
            word = result.outcome.value
        self.outcomes[word] += 1

    def report(
        self, destination: str, ended: Ended, reason: str | None, *, stale: int, seconds: float, due: Due
    ) -> DrainReport:
        """The report at the end of a drain."""
        return DrainReport(
            destination,
            ended,
            reason,
            claimed=self.claimed,
            released=self.released,
            requests=len(self._milliseconds),
            outcomes=dict(self.outcomes),
            stale=stale,
            p50_ms=self._percentile(0.50),
            p95_ms=self._percentile(0.95),
            seconds=seconds,
            oldest_due_at=due.oldest_due_at,
            next_due_at=due.next_due_at,
        )

    def _percentile(self, share: float) -> float | None:
        if not self._milliseconds:
            return None
        ordered = sorted(self._milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
