"""Figures that have left their usual range, as conditions.

Belongs here: the question to the published copy, its grouping and sentences. Does not belong here: what is unusual
(`anomalies`), opening the copy (`warehouse_conditions`).

One cause mostly moves several figures of a destination: what was found there on one day is one condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.anomalies.series import METRICS, Shape
from postback_pipeline.settings.alerts import ConditionKind
from postback_pipeline.settings.anomalies import Watched

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: A figure of which nothing was heard for so long is nobody's any more.
_FORGOTTEN_AFTER = timedelta(days=28)
#: More are counted only.
_MOST_TOLD = 6

_OPEN = """
    select
        destination, found_on, event_name, metric, coalesce(currency, ''), kind, confidence, since,
        value, expected, low, high
    from metrics.anomalies
    where ended_on is null and last_on >= ?
    order by destination, found_on, abs(sigmas) desc, event_name, metric
"""


@dataclass(frozen=True, slots=True)
class _Found:
    destination: str
    found_on: date
    event_name: str
    metric: str
    currency: str
    kind: str
    confidence: str
    since: date
    value: float
    expected: float
    low: float
    high: float


def anomalies(connection: DuckDBPyConnection, now: datetime) -> Iterator[Condition]:
    """One condition per destination and day of finding; `now` is aware UTC. `metrics.anomalies` must exist."""
    rows = connection.execute(_OPEN, [(now - _FORGOTTEN_AFTER).date()]).fetchall()
    found = [_Found(*row) for row in rows]
    for (destination, found_on), group in groupby(found, key=lambda each: (each.destination, each.found_on)):
        yield _condition(destination, found_on, list(group))


def _condition(destination: str, found_on: date, found: Sequence[_Found]) -> Condition:
    since = min(each.since for each in found)
    told = "; ".join(_sentence(each) for each in found[:_MOST_TOLD])
    more = f"; and {len(found) - _MOST_TOLD} more figures" if len(found) > _MOST_TOLD else ""
    where = "At all destinations together" if destination == "(all)" else f"At {destination}"
    return Condition(
        key=f"anomaly:{destination}:{found_on}",
        kind=ConditionKind.ANOMALY,
        subject=destination,
        sentence=f"{where}, since {since}: {told}{more}.",
        act="Query metrics.usual_ranges for these figures, day by day; if it is meant to be so, announce it in"
        " [[anomalies.changes]] of postbacks.toml",
        link="/assets/metrics/anomalies",
        since=datetime.combine(since, time.min, UTC),
        figures={"found": len(found), "certain": sum(each.confidence == "certain" for each in found)},
    )


def _sentence(found: _Found) -> str:
    metric = METRICS[found.metric]
    seen, expected, low, high = (_figure(found, each) for each in (found.value, found.expected, found.low, found.high))
    nothing = "no " if found.kind == "silence" else ""
    said = f"{found.event_name}: {nothing}{metric.words}" + ("" if nothing else f" {seen}")
    return f"{said} where {expected} is expected and {low} to {high} is usual ({found.confidence})"


def _figure(found: _Found, value: float) -> str:
    """As people read it."""
    metric = METRICS[found.metric]
    if metric.shape is Shape.SHARE:
        return f"{value:.1%}"
    if metric.name is Watched.LATENCY:
        return f"{value:,.0f} s" if value < 7_200 else f"{value / 3_600:,.1f} h"
    if metric.name is Watched.TIME_OF_DAY:
        return f"{value:+.1f} h"
    if metric.shape is Shape.COUNT:
        return f"{value:,.0f}"
    return f"{value:,.2f} {found.currency}".rstrip()
