"""What one drain did, in numbers that a person and a metric can use.

Belongs here: the report. Does not belong here: how it is counted (`tally`). Nothing here names a postback or a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: Why a drain ended: nothing is due soon, its budget is spent, it was told to stop, the destination is paused (now or
#: before), or the receiver is left alone for longer than the drain waits.
Ended = Literal["drained", "budget", "stopped", "paused", "postponed"]


#: How postbacks are counted: by outcome, but what the receiver had already, and what it may take later, apart.
OUTCOMES = ("accepted", "duplicate", "rejected", "later", "not_sent", "unknown")


@dataclass(frozen=True, slots=True)
class Course:
    """How a drain went over time."""

    #: Length of each bucket, and the postbacks that were accepted in it; the first one begins with the drain. At most
    #: 60 buckets, the last ones without any acceptance left out.
    bucket_seconds: float
    accepted: tuple[int, ...]


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
    #: Requests made, whether or not a byte left; those of them that looked for the postbacks to blame for a rejected
    #: batch.
    requests: int
    bisect_requests: int
    #: Word of OUTCOMES -> how many postbacks.
    outcomes: Mapping[str, int]
    #: Postbacks that a receiver which judges later gave its verdict on.
    judged: int
    #: Results that came after their lease was lost.
    stale: int
    #: Time of a request, from resolving to the last byte of the reply. Milliseconds, to 5 %; None without requests.
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    #: From the moment a postback was due to its acceptance. Seconds, to 5 %; None without an acceptance.
    p50_due_seconds: float | None
    p95_due_seconds: float | None
    course: Course
    #: Wall time of the drain.
    seconds: float
    #: When the oldest postback that is still due became due. UTC.
    oldest_due_at: datetime | None
    #: When the next one becomes due. UTC; None if nothing will by itself.
    next_due_at: datetime | None
    #: Postbacks of the destination that are left to a person, and that went past their window, at the end of the drain
    #: and whenever they came to be so.
    parked: int
    expired: int

    @property
    def rows_per_second(self) -> float:
        """Postbacks with an outcome, per second of the drain."""
        return sum(self.outcomes.values()) / self.seconds if self.seconds else 0.0
