"""Walks through a series day by day: judges each by the days before it, and opens and ends findings.

Belongs here: what is out of range, when that begins and ends. Does not belong here: what is expected (`baseline`), how
chance moves a number (`shapes`).

While a finding is open, nothing is learnt: what is broken must not become what is usual. It ends when the figure is
back, or after it has stayed away for so long that it is the new level; so it is told once, not every day.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from postback_pipeline.anomalies.baseline import Baseline, Tuning
from postback_pipeline.anomalies.exceptions import Exceptions
from postback_pipeline.anomalies.findings import Confidence, Ending, Finding, Kind
from postback_pipeline.anomalies.series import Point, Series, Shape, Way
from postback_pipeline.anomalies.shapes import MULTIPLIED, from_scale, surprise

#: The longest window.
_LONGEST = 7


@dataclass(frozen=True, slots=True)
class Limits:
    """How far out is too far, as standard deviations; chosen by measuring (`benchmarks/anomaly`)."""

    #: Days looked at together -> how far their sum has to be out.
    windows: tuple[tuple[int, float], ...] = ((1, 3.8), (3, 4.0), (7, 4.5))
    #: The same for what only machines move.
    steady: tuple[tuple[int, float], ...] = ((1, 3.4), (3, 3.7), (7, 4.2))
    certain: float = 5.6
    #: Within this a day is back; beyond it at the other side the day is judged anew.
    back: float = 2.0
    #: After so many days out of range that is the usual level.
    accept_after: int = 14
    #: From so many days on it is a shift of the level.
    shift_after: int = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """A day, and what was usual for it. Nulls: it was not judged, since too little was known or nothing is asked."""

    point: Point
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    sigmas: float | None = None
    is_out: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a series."""

    series: Series
    days: list[Judged]
    findings: list[Finding]

    @property
    def open_finding(self) -> Finding | None:
        """The one that goes on, if any."""
        return next((each for each in self.findings if each.ended_on is None), None)


def judge(
    series: Series,
    exceptions: Exceptions | None = None,
    limits: Limits | None = None,
    tuning: Tuning | None = None,
) -> Judgement:
    """Judges each day of a series by the days before it. The same series gives the same judgement, whenever.

    Args:
        series: days in order, each of them complete.
        exceptions: holidays and announced changes.
        limits: how far out is too far.
        tuning: how the baseline learns.
    """
    walk = _Walk(series, exceptions or Exceptions(), limits or Limits(), tuning or Tuning())
    days = [walk.step(point) for point in series.points]
    return Judgement(series, days, [*walk.ended, *walk.going_on()])


@dataclass(slots=True)
class _Course:
    """A finding while it is open."""

    side: int
    since: date
    found_on: date
    last_on: date
    worst: Judged
    #: Within so many standard deviations a day is back.
    back: float
    #: Those out of range.
    days: list[Point]
    back_days: list[Point] = field(default_factory=list)


class _Walk:
    def __init__(self, series: Series, exceptions: Exceptions, limits: Limits, tuning: Tuning) -> None:
        self._series, self._shape = series, series.metric.shape
        self._exceptions, self._limits = exceptions, limits
        self._windows = limits.steady if series.metric.is_steady else limits.windows
        self._clip = tuning.clip
        self._baseline = Baseline(series.metric, tuning)
        self._changes = [
            change
            for change in exceptions.changes
            if change.concerns(series.destination, series.event_name, series.metric.name)
        ]
        self._changed: set[int] = set()
        self._course: _Course | None = None
        #: The last days that were judged and learnt, and the level before each.
        self._before: list[tuple[Judged, tuple[float, float]]] = []
        self.ended: list[Finding] = []

    def step(self, point: Point) -> Judged:
        """The next day."""
        self._announced(point.day)
        if self._is_excused(point.day):
            return Judged(point)
        if not self._baseline.knows:
            self._learn(point)
            return Judged(point)
        judged = self._look(point)
        return self._watch(judged) if self._course is None else self._follow(self._course, judged)

    def going_on(self) -> Iterator[Finding]:
        """The finding that is open at the end."""
        if self._course is not None:
            yield from self._finding(self._course, None, None)

    def _announced(self, day: date) -> None:
        for index, change in enumerate(self._changes):
            if change.end is None and change.start <= day and index not in self._changed:
                self._changed.add(index)
                self._close(day, Ending.ACCEPTED)
                self._baseline.forget()
                self._before.clear()

    def _is_excused(self, day: date) -> bool:
        if self._series.metric.rests_on_holidays and self._exceptions.rests(day):
            return True
        return any(change.end is not None and change.start <= day <= change.end for change in self._changes)

    def _learn(self, point: Point) -> None:
        self._baseline.learn(point.day.weekday(), point.value, point.weight)

    def _look(self, point: Point) -> Judged:
        weekday = point.day.weekday()
        scaled = self._baseline.expected(weekday)
        low, high = self._baseline.bounds(weekday, point.weight, self._windows[0][1])
        sigmas = surprise(self._shape, point.value, point.weight, scaled, self._baseline.spread)
        return Judged(point, from_scale(self._shape, scaled), low, high, sigmas)

    def _watch(self, judged: Judged) -> Judged:
        self._before = [*self._before[-_LONGEST + 1 :], (judged, self._baseline.level)]
        days = self._days_out()
        if not days:
            self._learn(judged.point)
            return judged
        out = [each for each, _ in self._before[-days:]]
        self._baseline.go_back(self._before[-days][1])
        mean = sum(abs(each.sigmas or 0.0) for each in out) / days
        self._course = _Course(
            side=1 if (judged.sigmas or 0.0) > 0 else -1,
            since=out[0].point.day,
            found_on=judged.point.day,
            last_on=judged.point.day,
            worst=max(out, key=lambda each: abs(each.sigmas or 0.0)),
            # Where each day is only a little out, a little less of it is not back yet.
            back=min(self._limits.back, mean / 2),
            days=[each.point for each in out],
        )
        return replace(judged, is_out=True)

    def _days_out(self) -> int:
        """How many of the last days are out together; 0: none."""
        newest = self._before[-1][0].sigmas or 0.0
        for days, limit in self._windows:
            found = [each for each, _ in self._before[-days:]]
            if days < self._series.metric.least_days or len(found) < days:
                continue
            sigmas = [each.sigmas or 0.0 for each in found]
            # One day alone speaks for itself; together none may have said everything.
            parts = sigmas if days == 1 else [max(-self._clip, min(self._clip, each)) for each in sigmas]
            is_one_sided = all(each * newest > 0 for each in sigmas)
            if is_one_sided and abs(sum(parts)) / math.sqrt(days) >= limit and self._is_worth_it(found):
                return days
        return 0

    def _is_worth_it(self, judged: Sequence[Judged], part: float = 1.0) -> bool:
        """Whether the change over these days is at least so large a part of the least that is worth telling."""
        expected = sum(each.expected or 0.0 for each in judged) / len(judged)
        value = sum(each.point.value for each in judged) / len(judged)
        change = abs(value - expected)
        if self._shape in MULTIPLIED or self._shape is Shape.AMOUNT:
            # A fall to half and a rise to twice are as large.
            change = max(value, expected) / max(min(value, expected), 1e-9) - 1
        return change >= self._series.metric.least * part

    def _follow(self, course: _Course, judged: Judged) -> Judged:
        point, sigmas = judged.point, judged.sigmas or 0.0
        is_small = not self._is_worth_it([judged], 0.5)
        if is_small or -self._limits.back <= sigmas * course.side <= course.back:
            course.back_days.append(point)
            # What was out for a day is back after one; what lasted may come back for a day by chance.
            if len(course.back_days) >= (1 if len(course.days) < self._limits.shift_after else 2):
                self._back(course, point.day)
            return judged
        if sigmas * course.side < 0:
            # Past the usual and out at the other side: that is no return, but perhaps the next finding.
            self._back(course, point.day)
            return self._watch(judged)
        course.back_days.clear()
        course.days.append(point)
        course.last_on = point.day
        if abs(sigmas) > abs(course.worst.sigmas or 0.0):
            course.worst = judged
        if len(course.days) >= self._limits.accept_after:
            self._baseline.settle([(each.day.weekday(), each.value, each.weight) for each in course.days])
            self._close(point.day, Ending.ACCEPTED)
        return replace(judged, is_out=True)

    def _back(self, course: _Course, day: date) -> None:
        self._close(course.back_days[0].day if course.back_days else day, Ending.BACK)
        for each in course.back_days:
            self._learn(each)

    def _close(self, day: date, ending: Ending) -> None:
        if self._course is not None:
            self.ended += self._finding(self._course, day, ending)
            self._course = None
            self._before.clear()

    def _finding(self, course: _Course, ended_on: date | None, ending: Ending | None) -> Iterator[Finding]:
        if self._series.metric.way not in (Way.BOTH, Way.RISE if course.side > 0 else Way.DROP):
            return
        worst = course.worst
        assert worst.expected is not None and worst.low is not None and worst.high is not None
        sigmas = worst.sigmas or 0.0
        certain = abs(sigmas) >= self._limits.certain
        yield Finding(
            series=self._series,
            kind=self._kind(course),
            confidence=Confidence.CERTAIN if certain else Confidence.LIKELY,
            since=course.since,
            found_on=course.found_on,
            last_on=course.last_on,
            value=worst.point.value,
            expected=worst.expected,
            low=worst.low,
            high=worst.high,
            sigmas=sigmas,
            ended_on=ended_on,
            ending=ending,
        )

    def _kind(self, course: _Course) -> Kind:
        if self._shape is Shape.COUNT and all(point.value == 0 for point in course.days):
            return Kind.SILENCE
        if len(course.days) >= self._limits.shift_after:
            return Kind.LEVEL_SHIFT
        return Kind.SPIKE if course.side > 0 else Kind.DROP
