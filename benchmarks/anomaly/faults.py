"""The faults that are put into real series, and the metrics that they reach.

Belongs here: what a fault does to a day's figures. Does not belong here: when it happens, whether it is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.anomaly.figures import Figures, Numbers


@dataclass(frozen=True)
class Fault:
    """From day number `start` on."""

    name: str
    #: All metrics that it touches; others go on as they were.
    metrics: tuple[str, ...]
    happens: Callable[[Figures, int, np.random.Generator], Figures]
    #: Whether it is everybody's, so that the destination-independent series may show it too.
    is_common: bool = False

    def touches(self, figures: Figures) -> list[str]:
        """Those of its metrics that a shop has."""
        return [metric for metric in self.metrics if metric in figures.metrics]


def _none_from(numbers: Numbers, start: int) -> Numbers:
    fewer = numbers.copy()
    fewer[start:] = 0
    return fewer


def _none_of(metric: str) -> Callable[[Figures, int, np.random.Generator], Figures]:
    def happens(figures: Figures, start: int, _: np.random.Generator) -> Figures:
        return figures.changed(metric, _none_from(figures.parts[metric][0], start))

    return happens


def _nothing_leaves(figures: Figures, start: int, _: np.random.Generator) -> Figures:
    """A refused token pauses the destination: what waits is not sent, so that these have no points to judge."""
    parts = dict(figures.parts)
    for metric in ("acceptance_rate", "latency", "report_rate"):
        parts[metric] = (_none_from(parts[metric][0], start), _none_from(parts[metric][1], start))
    top, due = parts["delivered_share"]
    return replace(figures, parts={**parts, "delivered_share": (_none_from(top, start), due)})


def _half_of(metric: str) -> Callable[[Figures, int, np.random.Generator], Figures]:
    def happens(figures: Figures, start: int, chance: np.random.Generator) -> Figures:
        top = figures.parts[metric][0].copy()
        top[start:] = chance.binomial(top[start:].astype(int), 0.5)
        return figures.changed(metric, top)

    return happens


def _times(metric: str, factor: float) -> Callable[[Figures, int, np.random.Generator], Figures]:
    def happens(figures: Figures, start: int, _: np.random.Generator) -> Figures:
        top = figures.parts[metric][0].copy()
        top[start:] *= factor
        return figures.changed(metric, top)

    return happens


def _doubled_orders(figures: Figures, start: int, _: np.random.Generator) -> Figures:
    count = figures.conversions.copy()
    count[start:] *= 2
    return replace(figures, conversions=count)


def _nothing(figures: Figures, start: int, _: np.random.Generator) -> Figures:
    return replace(figures, conversions=_none_from(figures.conversions, start))


def _an_hour_later(figures: Figures, start: int, _: np.random.Generator) -> Figures:
    if figures.hours is not None:
        hours = figures.hours.copy()
        hours[start:] = np.roll(hours[start:], 1, axis=1)
        figures = replace(figures, hours=hours)
    if "pixel_delay" in figures.parts:
        top, bottom = figures.parts["pixel_delay"]
        top = top.copy()
        top[start:] -= 60 * bottom[start:]
        figures = figures.changed("pixel_delay", top)
    return figures


FAULTS = (
    Fault("token dead", ("delivered_share", "acceptance_rate", "latency", "report_rate"), _nothing_leaves),
    Fault("half the clicks lose ids", ("match_rate",), _half_of("match_rate"), is_common=True),
    Fault("doubled sends", ("report_rate",), _times("report_rate", 2.0)),
    Fault("currency in cents", ("value_per_conversion",), _times("value_per_conversion", 100.0)),
    Fault("one hour shifted", ("pixel_delay", "time_of_day"), _an_hour_later),
    Fault("one hour shifted, no pixel", ("time_of_day",), _an_hour_later),
    Fault("pixel removed", ("pixel_share",), _none_of("pixel_share")),
    Fault("orders doubled in the source", ("volume",), _doubled_orders),
    Fault("orders do not come", ("volume",), _nothing),
)
