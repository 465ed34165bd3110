"""Puts every fault on many days, and counts what is found, how soon, and what is found where there is no fault.

Belongs here: the halves, the counts. Does not belong here: printing (`__main__`).

Parameters were chosen on the first half of every series; the second half was not looked at before. A shop's own bad
days are no faults that were put there: what is found on them counts as a false alarm, although somebody may have
wanted to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from benchmarks.anomaly.faults import FAULTS, Fault
from benchmarks.anomaly.figures import Figures
from postback_pipeline.anomalies.exceptions import Exceptions
from postback_pipeline.anomalies.judge import Judgement
from postback_pipeline.anomalies.series import Series

Judge = Callable[[Series, Exceptions], Judgement]
#: A destination's quarter, in days.
_QUARTER = 91.25
#: Days from a fault's first day on which it still counts as found, if later than within one day of data.
LATER = 7


@dataclass
class Score:
    """Of one half."""

    #: (destination, fault) -> how often it was put, found on its first day of data, found within a week; and how
    #: many days more were left out, since they are not judged or a finding is open on them.
    put: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    #: destination -> alerts without a fault, days judged.
    alarms: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    series: int = 0
    days: int = 0

    def add_alarms(self, shop: str, alarms: int, days: int) -> None:
        """Of one destination."""
        counted = self.alarms.setdefault(shop, [0, 0])
        counted[0] += alarms
        counted[1] += days

    def false_alarms(self, shop: str | None = None) -> float:
        """Per destination and quarter."""
        rows = [each for name, each in self.alarms.items() if shop in (None, name)]
        return sum(row[0] for row in rows) / max(sum(row[1] for row in rows) / _QUARTER, 1e-9)


def measure(
    all_figures: Iterable[Figures], judge_series: Judge, every: int, first: float = 0.0, last: float = 1.0
) -> Score:
    """Scores the part of every series between two fractions of its days.

    Args:
        all_figures: of each shop.
        judge_series: what is measured.
        every: a fault is put on each so many'th day of data.
        first: where the part begins.
        last: where it ends.
    """
    score = Score()
    known = list(all_figures)
    common = {each.shop.name: each for each in known if each.shop.destination == "(all)"}
    for figures in known:
        span = range(int(len(figures.days) * first), int(len(figures.days) * last))
        _undisturbed(figures, judge_series, span, score)
        for fault in FAULTS:
            if fault.is_common and figures.shop.name in common and figures.shop.destination == "(all)":
                continue
            watched = [figures]
            if fault.is_common and figures.shop.name in common:
                watched.append(common[figures.shop.name])
            _faulty(watched, fault, judge_series, span, every, score)
    return score


def _undisturbed(figures: Figures, judge_series: Judge, span: range, score: Score) -> None:
    inside = set(figures.days[span.start : span.stop])
    told: set[date] = set()
    judged: set[date] = set()
    for metric in figures.metrics:
        started = time.process_time()
        judgement = judge_series(figures.series(metric, span.stop), _exceptions(figures))
        score.cpu_seconds += time.process_time() - started
        score.series += 1
        score.days += len(judgement.days)
        told |= {finding.found_on for finding in judgement.findings} & inside
        judged |= {each.point.day for each in judgement.days if each.sigmas is not None} & inside
    score.add_alarms(figures.label, len(told), len(judged))


def _faulty(watched: list[Figures], fault: Fault, judge_series: Judge, span: range, every: int, score: Score) -> None:
    figures = watched[0]
    metrics = fault.touches(figures)
    if not metrics:
        return
    counted = score.put.setdefault((figures.label, fault.name), [0, 0, 0, 0])
    with_data = [index for index in span if figures.conversions[index] > 0 and index + LATER < len(figures.days)]
    for index in with_data[::every]:
        delay = _found_after(watched, fault, metrics, judge_series, index)
        if delay is None:
            counted[3] += 1
            continue
        counted[0] += 1
        counted[1] += delay == 0
        counted[2] += delay < LATER


def _found_after(
    watched: list[Figures], fault: Fault, metrics: list[str], judge_series: Judge, index: int
) -> int | None:
    """Days; `LATER` for not within it. None: that day is not judged, or something is being told already."""
    chance = np.random.default_rng(index)
    day = watched[0].days[index]
    delays = []
    for figures in watched:
        broken = fault.happens(figures, index, chance)
        for metric in metrics:
            series = broken.series(metric, index + LATER)
            if all(point.day != day for point in series.points):
                continue
            judgement = judge_series(series, _exceptions(figures))
            on_day = next((each for each in judgement.days if each.point.day == day), None)
            if on_day is None or on_day.sigmas is None:
                continue
            found = [each for each in judgement.findings if (each.ended_on or day) >= day]
            if any(each.found_on < day for each in found):
                return None
            delays += [(each.found_on - day).days for each in found] or [LATER]
    return min(delays) if delays else None


def _exceptions(figures: Figures) -> Exceptions:
    return Exceptions(country=figures.shop.country)
