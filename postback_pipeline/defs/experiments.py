"""The results of experiments after a measure: a table for everyone who reads the published copy, and a chart.

Belongs here: when they are computed and what of them is shown. Does not belong here: any statistics (`experiments`).
https://docs.dagster.io/guides/build/assets
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from postback_pipeline.defs.markdown import interval_chart, table_text
from postback_pipeline.defs.tables import replace_tables
from postback_pipeline.defs.warehouse import RESULTS, WAREHOUSE_POOL
from postback_pipeline.experiments.results import Result, read_experiments, read_result
from postback_pipeline.settings import Settings
from postback_pipeline.sources.warehouse import open_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TABLE = """
    create or replace table metrics.experiment_results (
        experiment varchar, state varchar, destination varchar, event_name varchar, unit varchar, outcome varchar,
        currency varchar, told_units bigint, held_out_units bigint, told double, held_out double, difference double,
        difference_low double, difference_high double, lift double, lift_low double, lift_high double, p_value double,
        method varchar, cautions varchar, as_of timestamptz
    )
"""


def write_results(connection: DuckDBPyConnection, results: list[Result]) -> None:
    """Replaces `metrics.experiment_results`: one row per experiment, numbers null where nothing can be compared.

    `connection` must not be in a transaction.
    """
    replace_tables(connection, {"metrics.experiment_results": (_TABLE, [_row(result) for result in results])})


def _row(result: Result) -> list[object]:
    experiment, compared = result.experiment, result.comparison
    numbers: list[object] = [None] * 9
    if compared is not None:
        numbers = [
            *(compared.told, compared.held_out, compared.difference, *compared.difference_interval),
            *(compared.lift, *(compared.lift_interval or (None, None)), compared.p_value),
        ]
    return [
        *(experiment.experiment, experiment.state, experiment.destination, experiment.event_name, experiment.unit),
        *(experiment.outcome, result.currency, result.groups["told"].units, result.groups["held_out"].units),
        *numbers,
        *(None if compared is None else compared.method, "\n".join(result.cautions), experiment.as_of),
    ]


def results_table(results: list[Result]) -> str:
    """Each experiment with what it shows, as Markdown."""
    columns = ("experiment", "state", "outcome", "told", "held out", "difference", "95 %", "lift", "cautions")
    return table_text(columns, [_shown(result) for result in results])


def _shown(result: Result) -> list[str]:
    experiment, compared = result.experiment, result.comparison
    numbers = ["", "", "", "", ""]
    if compared is not None:
        low, high = compared.difference_interval
        numbers = [
            *(f"{number:.4g}" for number in (compared.told, compared.held_out, compared.difference)),
            *(f"{low:.4g} to {high:.4g}", "" if compared.lift is None else f"{compared.lift:+.1%}"),
        ]
    return [experiment.experiment, experiment.state, experiment.outcome, *numbers, " ".join(result.cautions)]


def chart(results: list[Result]) -> str:
    """The interval of each comparison's lift, one below the other."""
    intervals: dict[str, tuple[float, float, float]] = {}
    for result in results:
        compared = result.comparison
        if compared is not None and compared.lift is not None and compared.lift_interval is not None:
            low, high = compared.lift_interval
            intervals[result.experiment.experiment] = low, compared.lift, high
    return interval_chart(intervals)


@dg.definitions
def defs() -> dg.Definitions:
    """One asset, in the measure job."""

    @dg.asset(
        key=RESULTS,
        deps=[
            dg.AssetKey(["metrics", table])
            for table in ("experiment_units", "experiment_outcomes", "experiment_region_days")
        ],
        description="What each experiment shows: both groups, difference and lift with 95 % intervals, and what speaks"
        " against trusting it. docs/experiments.md says how to read it.",
        group_name="metrics",
        owners=["team:data"],
        kinds={"duckdb", "python"},
        tags={"measure": ""},
        pool=WAREHOUSE_POOL,
    )
    def experiment_results(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        with open_warehouse(settings.warehouse_path) as connection:
            results = [read_result(connection, each) for each in read_experiments(connection)]
            write_results(connection, results)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(results),
                "running": sum(result.experiment.state == "running" for result in results),
                "with_cautions": sum(bool(result.cautions) for result in results),
                "results": dg.MetadataValue.md(results_table(results)),
                "lift": dg.MetadataValue.md(chart(results)),
            }
        )

    return dg.Definitions(assets=[experiment_results])
