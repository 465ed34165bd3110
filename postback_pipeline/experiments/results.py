"""The results of an experiment, from the warehouse's tables: groups, comparison, and what speaks against trusting it.

Belongs here: reading `metrics.experiment_*` and putting a result together. Does not belong here: statistics
(`comparison.py`, `regions.py`), what is planned (`planning.py`), printing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from postback_pipeline.experiments.cautions import region_cautions, unit_cautions
from postback_pipeline.experiments.comparison import Comparison, Numbers, compare_means, compare_ratios, compare_shares
from postback_pipeline.experiments.region_series import read_series
from postback_pipeline.experiments.regions import difference_in_differences

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GROUPS = ("told", "held_out")
_UNITS = """
    select
        experiment_group, cast(conversions as double) as conversions, cast(value as double) as value,
        cast(known_conversions as double) as known_conversions, cast(known_value as double) as known_value,
        cast(accepted_conversions as double) as accepted_conversions,
        cast(other_currency_conversions as double) as other_currency_conversions,
        cast(later_conversions as double) as later_conversions, cast(later_value as double) as later_value,
        cast(entry_value as double) as entry_value, cast(conversions_before as double) as conversions_before,
        cast(value_before as double) as value_before
    from metrics.experiment_units
    where experiment = ? and experiment_group = ?
    order by experiment_unit
"""


@dataclass(frozen=True)
class Experiment:
    """A row of `experiments.csv` as the last build was told it. Times are UTC."""

    experiment: str
    destination: str
    event_name: str | None
    unit: str
    outcome: str
    share: float | None
    start_at: datetime
    end_at: datetime
    #: When the last build was made, whose decisions these are.
    as_of: datetime

    @property
    def state(self) -> str:
        """Planned, running, ended or called off, at `as_of`."""
        if self.end_at <= self.start_at:
            return "called off"
        if self.as_of < self.start_at:
            return "planned"
        return "running" if self.as_of < self.end_at else "ended"


@dataclass(frozen=True)
class Group:
    """What one group brought. Amounts in the result's currency."""

    units: int
    conversions: int
    value: float
    known_conversions: int
    known_value: float
    later_conversions: int
    later_value: float


@dataclass(frozen=True)
class Result:
    """An experiment, its groups, what their difference is, and the cautions with which to read it."""

    experiment: Experiment
    currency: str | None
    groups: dict[str, Group] = field(default_factory=dict)
    #: None where there is too little to compare.
    comparison: Comparison | None = None
    cautions: list[str] = field(default_factory=list)


def read_experiments(connection: DuckDBPyConnection) -> list[Experiment]:
    """Every experiment that the last build was told, in order of their starts."""
    rows = connection.execute(
        """
        select
            experiment, destination, event_name, unit, outcome, cast(share as double), start_at, end_at,
            (select max(as_of) from raw.build_context)
        from raw.experiments order by start_at, experiment
        """
    ).fetchall()
    return [Experiment(*row) for row in rows]


def read_result(connection: DuckDBPyConnection, experiment: Experiment) -> Result:
    """Compares the groups by the experiment's outcome, as the last measure left the tables."""
    currency = _currency(connection, experiment)
    columns = {group: _columns(connection, experiment.experiment, group) for group in GROUPS}
    groups = {group: _group(each) for group, each in columns.items()}
    if experiment.unit == "region":
        pairs = read_series(connection, experiment.experiment, experiment.outcome)
        comparison = difference_in_differences(pairs)
        return Result(experiment, currency, groups, comparison, region_cautions(experiment.state, pairs))
    comparison = _compared(experiment.outcome, columns["told"], columns["held_out"])
    cautions = unit_cautions(experiment.state, experiment.unit, experiment.share or 0, columns)
    return Result(experiment, currency, groups, comparison, cautions)


def _compared(outcome: str, told: dict[str, Numbers], held_out: dict[str, Numbers]) -> Comparison | None:
    if outcome == "platform_conversions":
        return compare_shares(*_both("known_conversions", "conversions", told, held_out))
    if outcome == "platform_value":
        return compare_ratios(*_both("known_value", "value", told, held_out))
    if outcome == "backend_conversions":
        return compare_shares(_again(told), _again(held_out))
    return compare_means(told["later_value"], held_out["later_value"])


def _both(
    part: str, whole: str, told: dict[str, Numbers], held_out: dict[str, Numbers]
) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers]]:
    return (told[part], told[whole]), (held_out[part], held_out[whole])


def _again(group: dict[str, Numbers]) -> tuple[Numbers, Numbers]:
    """Per unit whether it converted again, and 1."""
    later = group["later_conversions"]
    return (later > 0).astype(np.float64), np.ones(len(later))


def _columns(connection: DuckDBPyConnection, experiment: str, group: str) -> dict[str, Numbers]:
    found: dict[str, Any] = connection.execute(_UNITS, [experiment, group]).fetchnumpy()
    return {name: np.asarray(values, dtype=np.float64) for name, values in found.items() if name != "experiment_group"}


def _group(columns: dict[str, Numbers]) -> Group:
    return Group(
        units=len(columns["conversions"]),
        conversions=int(columns["conversions"].sum()),
        value=float(columns["value"].sum()),
        known_conversions=int(columns["known_conversions"].sum()),
        known_value=float(columns["known_value"].sum()),
        later_conversions=int(columns["later_conversions"].sum()),
        later_value=float(columns["later_value"].sum()),
    )


def _currency(connection: DuckDBPyConnection, experiment: Experiment) -> str | None:
    table = "experiment_region_days" if experiment.unit == "region" else "experiment_units"
    row = connection.execute(
        f"select currency from metrics.{table} where experiment = ? group by 1 order by count(*) desc, 1 limit 1",
        [experiment.experiment],
    ).fetchone()
    return None if row is None else row[0]
