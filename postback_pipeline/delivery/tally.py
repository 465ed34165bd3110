"""Counting what a drain does while it runs, in memory that does not grow with the rows.

Belongs here: counters, percentiles, the course over time. Does not belong here: what is shown of them (`report`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from postback_pipeline.delivery.report import Course, DrainReport, Ended
from postback_pipeline.ledger import Claim, Due, Result
from postback_pipeline.model import Outcome

#: The word for what was accepted, and was no duplicate.
ACCEPTED = Outcome.ACCEPTED.value
_MOST_BUCKETS = 60
_FIRST_BUCKET_SECONDS = 0.125
#: Values of a bucket of a histogram are at most this factor apart.
_STEP = math.log(1.05)
_SMALLEST = 1e-6


class Histogram:
    """Durations, of which percentiles are known to five percent."""

    def __init__(self) -> None:
        self.count = 0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float, count: int = 1) -> None:
        """One duration, so many times."""
        self.count += count
        bucket = math.ceil(math.log(seconds if seconds > _SMALLEST else _SMALLEST) / _STEP)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    def percentile(self, share: float) -> float | None:
        """The duration, in seconds, that at most this share of them stays below; None without any."""
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed > share * self.count or passed == self.count:
                return math.exp((bucket - 0.5) * _STEP)
        return None


class Series:
    """Counts over time, in buckets that grow with the time."""

    def __init__(self) -> None:
        self._width = _FIRST_BUCKET_SECONDS
        self._counts: list[int] = []

    def add(self, at: float, count: int) -> None:
        """So many, so many seconds after the beginning."""
        while at >= self._width * _MOST_BUCKETS:
            pairs = zip(self._counts[::2], [*self._counts[1::2], 0], strict=False)
            self._counts = [sum(pair) for pair in pairs]
            self._width *= 2
        bucket = int(at / self._width)
        self._counts.extend([0] * (bucket + 1 - len(self._counts)))
        self._counts[bucket] += count

    def course(self) -> Course:
        """All of them."""
        return Course(self._width, tuple(self._counts))


class Tally:
    """Counts while a drain runs."""

    def __init__(self) -> None:
        self.claimed = 0
        self.released = 0
        self.bisect_requests = 0
        self.judged = 0
        self.outcomes: Counter[str] = Counter()
        self._requests = Histogram()
        self._due = Histogram()
        self._accepted = Series()

    def request(self, elapsed: float, *, bisecting: bool) -> None:
        """One request took so many seconds."""
        self._requests.add(elapsed)
        self.bisect_requests += bisecting

    def results(self, claims: Iterable[Claim], results: Sequence[Result], since_start: float) -> None:
        """Postbacks of one request got an outcome, so many seconds after the drain began; each with its claim."""
        due_since: dict[datetime, int] = {}
        for claim, result in zip(claims, results, strict=True):
            if result.outcome is Outcome.ACCEPTED and not result.duplicate:
                due_since[claim.due_at] = due_since.get(claim.due_at, 0) + 1
            else:
                self.outcomes[outcome_word(result)] += 1
        for due_at, count in due_since.items():
            self._due.add((results[0].finished_at - due_at).total_seconds(), count)
        if accepted := sum(due_since.values()):
            self.outcomes[ACCEPTED] += accepted
            self._accepted.add(since_start, accepted)

    def report(
        self,
        destination: str,
        ended: Ended,
        reason: str | None,
        *,
        stale: int,
        seconds: float,
        due: Due,
        parked: int,
        expired: int,
    ) -> DrainReport:
        """The report at the end of a drain."""
        p50, p95, p99 = (self._requests.percentile(share) for share in (0.50, 0.95, 0.99))
        return DrainReport(
            destination,
            ended,
            reason,
            claimed=self.claimed,
            released=self.released,
            requests=self._requests.count,
            bisect_requests=self.bisect_requests,
            outcomes=dict(self.outcomes),
            judged=self.judged,
            stale=stale,
            p50_ms=_milli(p50),
            p95_ms=_milli(p95),
            p99_ms=_milli(p99),
            p50_due_seconds=self._due.percentile(0.50),
            p95_due_seconds=self._due.percentile(0.95),
            course=self._accepted.course(),
            seconds=seconds,
            oldest_due_at=due.oldest_due_at,
            next_due_at=due.next_due_at,
            parked=parked,
            expired=expired,
        )


def outcome_word(result: Result) -> str:
    """How a result is counted: its word of OUTCOMES."""
    if result.duplicate:
        return "duplicate"
    if result.outcome is Outcome.REJECTED and not result.final:
        return "later"
    return str(result.outcome)


def _milli(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
