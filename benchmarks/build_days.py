"""What one more day costs after histories of different length, and whether building by days equals building at once.

Belongs here: the days. Does not belong here: the rows of a day (`build_input.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.build_deployment import write_warehouse
from benchmarks.build_equal import columns_of, compare
from benchmarks.build_input import Shape, as_of, write_arrivals
from benchmarks.build_models import Build, Models
from postback_pipeline.sources.build_context import mark_built, write_build_context
from postback_pipeline.sources.sql import one_row
from postback_pipeline.sources.warehouse import open_warehouse

#: Days of a history of length 1.
_MONTH = 30
_ACCEPT = (Path(__file__).parent / "accept_outbox.sql").read_text(encoding="utf-8")
_SAME_BOTH_WAYS = ("marts.conversions", "marts.reversals", "intermediate.int_decisions", "outbox.postbacks")


class StillDue(Exception):
    """Everything was accepted, and yet a build that knows it has postbacks."""


@dataclass(frozen=True)
class Days:
    """Seconds of a day's SQL (median), the last day's build, and how many rows a full build after it gave alike."""

    sql_s: float
    last: Build
    rows_equal_full: int


def measure_days(
    warehouse: Path, clicks: int, orders: int, seed: int, *, histories: Sequence[int], days: int
) -> dict[int, Days]:
    """What `days` more days cost, by history; each day is built with everything before it accepted.

    `histories` are lengths in months, the shortest first: that one is built in full after its last day. `clicks` and
    `orders` are those of the longest.

    Raises:
        StillDue: the outbox forgot that something was accepted.
        RowsDiffer: the days' builds and one full build give different rows.
    """
    longest = histories[-1]
    measured = {}
    with Models(warehouse) as models:
        for length in histories:
            shape = Shape(
                clicks=max(clicks * length // longest, 1),
                orders=max(orders * length // longest, 1),
                days=_MONTH * length,
                seed=seed,
                late_from=_MONTH * length - 1,
            )
            write_warehouse(warehouse, shape)
            measured[length] = _measure(models, warehouse, shape, days, then_in_full=length == histories[0])
    return measured


def _measure(models: Models, warehouse: Path, shape: Shape, days: int, *, then_in_full: bool) -> Days:
    models.build(full=True)
    _mark_and_accept(warehouse)
    models.build(full=False)
    _refuse_due(warehouse)
    builds: list[Build] = []
    for day in range(shape.days, shape.days + days):
        _mark_and_accept(warehouse)
        with open_warehouse(warehouse) as connection:
            write_arrivals(connection, shape, day, day + 1)
            write_build_context(connection, as_of=as_of(day + 1), window=None, run_id="benchmark")
        builds.append(models.build(full=False))
    return Days(
        sql_s=median(build.sql_s for build in builds),
        last=builds[-1],
        rows_equal_full=_build_in_full(models, warehouse) if then_in_full else 0,
    )


def _mark_and_accept(warehouse: Path) -> None:
    with open_warehouse(warehouse) as connection:
        mark_built(connection, models="benchmark")
        connection.execute(_ACCEPT)


def _refuse_due(warehouse: Path) -> None:
    with open_warehouse(warehouse, read_only=True) as connection:
        (due,) = one_row(connection, "select count(*) from outbox.postbacks")
    if due:
        raise StillDue(f"{due:,} postbacks are in the outbox although the ledger's copy holds all of them as accepted.")


def _build_in_full(models: Models, warehouse: Path) -> int:
    with open_warehouse(warehouse) as connection:
        connection.execute("create schema by_days")
        for table in _SAME_BOTH_WAYS:
            connection.execute(f"create table by_days.{table.partition('.')[2]} as from {table}")
    models.build(full=True)
    with open_warehouse(warehouse) as connection:
        return sum(
            compare(connection, f"by_days.{table.partition('.')[2]}", table, columns_of(connection, table))
            for table in _SAME_BOTH_WAYS
        )
