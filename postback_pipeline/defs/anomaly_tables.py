"""The series of the warehouse, and the tables in which analysts and alerts read what was found in them.

Belongs here: reading `metrics.daily_series` and `metrics.hourly_volume`, writing `metrics.anomalies` and
`metrics.usual_ranges`. Does not belong here: judging (`anomalies`), when it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from postback_pipeline.anomalies.series import METRICS, Point, Series
from postback_pipeline.anomalies.time_of_day import time_of_day
from postback_pipeline.defs.tables import replace_tables
from postback_pipeline.settings.anomalies import Watched

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from postback_pipeline.anomalies.judge import Judgement

#: Older days are no evidence of what is usual.
_DAYS = 400
#: Ranges are kept for so many days.
_SHOWN_DAYS = 180

_SERIES = """
    select destination, event_name, metric, coalesce(currency, ''), day, value, weight
    from metrics.daily_series
    where day > (select max(day) from metrics.daily_series) - ?::integer
    -- Rates that were always nothing have nothing to fall from.
    qualify max(value) over (partition by destination, event_name, metric, currency) > 0
        or metric = 'pixel_delay'
    order by destination, event_name, metric, currency, day
"""
_HOURS = """
    select destination, event_name, hour_started_at, conversions
    from metrics.hourly_volume
    where hour_started_at > (select max(hour_started_at) from metrics.hourly_volume) - to_days(?::integer)
    order by destination, event_name, hour_started_at
"""
_FOUND = """
    create or replace table metrics.anomalies (
        destination varchar, event_name varchar, metric varchar, currency varchar, kind varchar, confidence varchar,
        since date, found_on date, last_on date, ended_on date, ending varchar,
        value double, expected double, low double, high double, sigmas double
    )
"""
_RANGES = """
    create or replace table metrics.usual_ranges (
        destination varchar, event_name varchar, metric varchar, currency varchar, day date, value double,
        weight double, expected double, low double, high double, sigmas double, is_out boolean
    )
"""

Row = tuple[object, ...]


def read_series(connection: DuckDBPyConnection, time_zone: str) -> Iterator[Series]:
    """Every series that there is; hours by the clock of `time_zone`."""
    rows = connection.execute(_SERIES, [_DAYS]).fetchall()
    for (destination, event_name, metric, currency), days in groupby(rows, key=lambda row: row[:4]):
        points = [Point(day, value, weight) for *_, day, value, weight in days]
        yield Series(destination, event_name, METRICS[metric], points, currency)
    hours = connection.execute(_HOURS, [_DAYS]).fetchall()
    for (destination, event_name), counts in groupby(hours, key=lambda row: row[:2]):
        by_hour: list[tuple[datetime, int]] = [(start, count) for _, _, start, count in counts]
        yield Series(destination, event_name, METRICS[Watched.TIME_OF_DAY], time_of_day(by_hour, time_zone))


def write_judgements(connection: DuckDBPyConnection, judgements: Sequence[Judgement]) -> None:
    """Replaces both tables together. `connection` must not be in a transaction."""
    newest = max((each.days[-1].point.day for each in judgements if each.days), default=date.min)
    replace_tables(
        connection,
        {
            "metrics.anomalies": (_FOUND, [row for each in judgements for row in _findings(each)]),
            "metrics.usual_ranges": (_RANGES, [row for each in judgements for row in _ranges(each, newest)]),
        },
    )


def _findings(judgement: Judgement) -> Iterator[Row]:
    for found in judgement.findings:
        yield (
            *_names(judgement.series),
            found.kind.value,
            found.confidence.value,
            found.since,
            found.found_on,
            found.last_on,
            found.ended_on,
            found.ending and found.ending.value,
            found.value,
            found.expected,
            found.low,
            found.high,
            found.sigmas,
        )


def _ranges(judgement: Judgement, newest: date) -> Iterator[Row]:
    names = _names(judgement.series)
    for each in judgement.days:
        point = each.point
        if (newest - point.day).days < _SHOWN_DAYS:
            yield (
                *names, point.day, point.value, point.weight,
                each.expected, each.low, each.high, each.sigmas, each.is_out,
            )  # fmt: skip


def _names(series: Series) -> Row:
    return series.destination, series.event_name, series.metric.name.value, series.currency or None
