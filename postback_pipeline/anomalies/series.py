"""Daily figures, and what each metric is made of.

Belongs here: the values that are judged, and per metric its shape, its least interesting change and which way is bad.
Does not belong here: any formula (dbt, model `daily_series`), how a shape is judged (`shapes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from postback_pipeline.settings.anomalies import Watched


class Shape(StrEnum):
    """What kind of number a metric is: it says how much chance alone moves it."""

    COUNT = "count"
    """How many; the value is the count."""
    RATIO = "ratio"
    """A count per something that it is no part of; the weight is that something. May exceed 1."""
    SHARE = "share"
    """So many of `weight`; from 0 to 1."""
    AMOUNT = "amount"
    """A mean or median above zero, of `weight` of them: money, seconds."""
    OFFSET = "offset"
    """A mean of `weight` of them that may be of either sign."""


class Way(StrEnum):
    """Which changes are worth telling."""

    BOTH = "both"
    DROP = "drop"
    RISE = "rise"


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is watched."""

    name: Watched
    shape: Shape
    #: As a person says it.
    words: str
    #: The least change worth telling: of the expected value for a count, ratio or amount, else in its own unit.
    least: float
    way: Way = Way.BOTH
    #: Fewer trade days move it: holidays are not judged.
    rests_on_holidays: bool = False
    #: The least spread that is believed, in units of chance. Below 1: most of it is no chance at all.
    least_spread: float = 1.0
    #: Machines make it what it is, not people's moods: less is out of the usual.
    is_steady: bool = False
    #: One day alone is no evidence: so many have to be out together.
    least_days: int = 1


#: Of an amount's own spread there is no theory, so that the floor is low: it only keeps what never moves from breaking.
NO_THEORY = 0.001

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(Watched.VOLUME, Shape.COUNT, "conversions", 0.3, rests_on_holidays=True),
        Metric(Watched.MATCH_RATE, Shape.SHARE, "match rate", 0.08, Way.DROP, is_steady=True),
        Metric(Watched.ACCEPTANCE_RATE, Shape.SHARE, "acceptance rate", 0.05, Way.DROP, is_steady=True),
        Metric(Watched.DELIVERED_SHARE, Shape.SHARE, "share accepted within a day", 0.1, Way.DROP, is_steady=True),
        Metric(Watched.LATENCY, Shape.AMOUNT, "latency", 1.0, Way.RISE, least_spread=NO_THEORY),
        Metric(Watched.REFUND_RATE, Shape.RATIO, "refunds per conversion", 0.5, rests_on_holidays=True),
        Metric(Watched.VALUE_PER_CONVERSION, Shape.AMOUNT, "value per conversion", 1.0, least_spread=NO_THEORY),
        Metric(Watched.REPORT_RATE, Shape.RATIO, "reported ÷ accepted", 0.25, is_steady=True, least_spread=0.5),
        Metric(Watched.PIXEL_SHARE, Shape.SHARE, "share that the pixel saw too", 0.1, Way.DROP, is_steady=True),
        Metric(
            Watched.PIXEL_DELAY,
            Shape.OFFSET,
            "minutes between a conversion and its pixel",
            20.0,
            least_spread=NO_THEORY,
        ),
        Metric(Watched.TIME_OF_DAY, Shape.OFFSET, "time of day", 0.5, least_days=3, least_spread=NO_THEORY),
    )
}


@dataclass(frozen=True, slots=True)
class Point:
    """A day that is complete. A day that had nothing to divide by is left out."""

    day: date
    value: float
    #: What it was divided by, or how many it is the mean of; 1 for a count.
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one event at one destination, day by day, in order."""

    destination: str
    event_name: str
    metric: Metric
    points: Sequence[Point]
    #: Of money; empty elsewhere.
    currency: str = ""
