"""Times the models: a build of everything beside one hand-written statement, and one more day after long histories.

    python -m benchmarks.build --clicks 10000000 --orders 1000000 [--seed 1] [--rounds 2] [--days 3]
        [--histories 1 10 30] [--json] [--keep FOLDER] [--skip-incremental]

Seconds are those of the SQL alone. The models and the statement take turns on the same warehouse, and their rows are
compared; the quickest round of each counts. Ends with 1 and a sentence where rows differ.

Belongs here: what is measured in which order, and telling the figures. Does not belong here: how each of them is
taken (`build_models.py`, `build_statement.py`, `build_days.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.build_days import StillDue, measure_days
from benchmarks.build_deployment import write_warehouse
from benchmarks.build_equal import RowsDiffer, compare
from benchmarks.build_input import Shape
from benchmarks.build_models import Build, Models, ModelsFailed
from benchmarks.build_statement import Statement, StatementFailed, run_statement
from postback_pipeline.sources.sql import one_row
from postback_pipeline.sources.warehouse import open_warehouse

_DAYS = 90
_DECISION = (
    "conversion_key", "destination", "reason_code", "decision", "click_id", "identifier", "net_value", "desired_value",
)  # fmt: skip


def measure_build(warehouse: Path, clicks: int, orders: int, seed: int, rounds: int) -> dict[str, Any]:
    """The figures of full builds of 90 days: seconds, MiB, rows.

    Raises:
        RowsDiffer: the statement and the models decide differently.
    """
    load = round(os.getloadavg()[0], 1)
    write_warehouse(warehouse, Shape(clicks=clicks, orders=orders, days=_DAYS, seed=seed, late_from=_DAYS))
    builds: list[Build] = []
    statements: list[Statement] = []
    peaks: list[float] = []
    for _ in range(rounds):
        with Models(warehouse) as models:
            builds.append(models.build(full=True))
        peaks.append(models.peak_mb)
        statements.append(run_statement(warehouse))
    with open_warehouse(warehouse) as connection:
        compared = compare(connection, "single.decisions", "marts.decisions", _DECISION)
        (threads,) = one_row(connection, "select current_setting('threads')")
    build, statement = min(each.sql_s for each in builds), min(each.sql_s for each in statements)
    return {
        "clicks": clicks,
        "orders": orders,
        "threads": threads,
        "load_before": load,
        "build_s": round(build, 3),
        "build_median_s": round(median(each.sql_s for each in builds), 3),
        "single_statement_s": round(statement, 3),
        "single_statement_median_s": round(median(each.sql_s for each in statements), 3),
        "ratio": round(build / statement, 2),
        "peak_mb": round(max(peaks)),
        "statement_peak_mb": round(max(each.peak_mb for each in statements)),
        "rows_equal_statement": compared,
        "models_s": _slowest(min(builds, key=lambda each: each.sql_s)),
    }


def _slowest(build: Build) -> dict[str, float]:
    return {name or "(no model)": round(seconds, 3) for name, seconds in list(build.models.items())[:10]}


def measure_increments(
    warehouse: Path, clicks: int, orders: int, seed: int, histories: Sequence[int], days: int
) -> dict[str, Any]:
    """The figures of one more day. Raises what `measure_days` does."""
    measured = measure_days(warehouse, clicks, orders, seed, histories=histories, days=days)
    shortest, longest = measured[histories[0]], measured[histories[-1]]
    return {
        "incremental_s": {f"{length}x": round(each.sql_s, 3) for length, each in measured.items()},
        "incremental_ratio": round(longest.sql_s / shortest.sql_s, 2),
        "rows_equal_full": shortest.rows_equal_full,
        "incremental_models_s": {f"{length}x": _slowest(each.last) for length, each in measured.items()},
    }


def main() -> None:
    """Parses, measures, prints; ends with 1 and a sentence where rows differ or something fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, required=True, help="of the 90 days, and of the longest history")
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2, help="full builds and statements, in turn")
    parser.add_argument("--days", type=int, default=3, help="added to each history, one by one")
    parser.add_argument("--histories", type=int, nargs="+", default=[1, 10, 30], help="in months, the shortest first")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the warehouses there")
    parser.add_argument("--skip-incremental", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    kept = nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory(prefix="postback-benchmark-")
    shop = (arguments.clicks, arguments.orders, arguments.seed)
    try:
        with kept as folder:
            # One path for all: dbt parses anew where its warehouse is another one.
            warehouse = Path(folder) / "warehouse.duckdb"
            figures = measure_build(warehouse, *shop, arguments.rounds)
            if not arguments.skip_incremental:
                full = warehouse.parent / "full"
                full.mkdir(exist_ok=True)
                warehouse.rename(full / warehouse.name)
                figures |= measure_increments(warehouse, *shop, arguments.histories, arguments.days)
    except (ModelsFailed, StatementFailed, RowsDiffer, StillDue) as error:
        sys.exit(str(error))
    if arguments.json:
        print(json.dumps(figures))
    else:
        _print(figures)


def _print(figures: dict[str, Any]) -> None:
    print(f"{figures['clicks']:,} clicks, {figures['orders']:,} orders, {figures['threads']} threads")
    print(f"Programs that ran beside it, on average before it began: {figures['load_before']}\n")
    print(f"{'':34} {'best s':>9} {'median s':>9} {'peak MB':>9}")
    for label, name, peak in (
        ("Models, everything", "build", "peak_mb"),
        ("One hand-written statement", "single_statement", "statement_peak_mb"),
    ):
        print(f"{label:34} {figures[f'{name}_s']:9.2f} {figures[f'{name}_median_s']:9.2f} {figures[peak]:9,}")
    print(f"{'Models / statement':34} {figures['ratio']:9.2f}")
    print(f"Their {figures['rows_equal_statement']:,} decisions are equal.\n")
    _print_models("Slowest models, everything", figures["models_s"])
    if "incremental_s" not in figures:
        return
    print()
    for length, seconds in figures["incremental_s"].items():
        print(f"{f'One more day after {length} the history':34} {seconds:9.2f}")
    print(f"{'Longest / shortest history':34} {figures['incremental_ratio']:9.2f}")
    print(f"{figures['rows_equal_full']:,} rows built by days equal those of a full build.\n")
    longest = list(figures["incremental_models_s"])[-1]
    _print_models(f"Slowest models, a day after {longest}", figures["incremental_models_s"][longest])


def _print_models(title: str, seconds: dict[str, float]) -> None:
    print(f"{title:34} {'s':>9}")
    for name, took in seconds.items():
        print(f"  {name:32} {took:9.2f}")


if __name__ == "__main__":
    main()
