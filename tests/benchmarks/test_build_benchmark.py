"""The build benchmark: that its figures can be believed. Nothing here is about how long anything takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks.build_equal import RowsDiffer, compare
from benchmarks.build_input import Shape, write_arrivals
from postback_pipeline.sources.sql import one_row
from postback_pipeline.sources.warehouse import create_raw_tables

ROOT = Path(__file__).parents[2]
ARRIVING = ("clicks", "orders", "refunds", "pixel_events", "consents", "files")


def landed(shape: Shape, *ends: int) -> duckdb.DuckDBPyConnection:
    """A warehouse into which the days before each of `ends` were written, one load after the other."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    create_raw_tables(connection)
    for first, end in zip((0, *ends), ends, strict=False):
        write_arrivals(connection, shape, first, end)
    return connection


def test_models_and_statement_decide_alike_and_days_add_up_to_a_full_build() -> None:
    command = [
        "--clicks",
        "3000",
        "--orders",
        "300",
        "--rounds",
        "1",
        "--days",
        "1",
        "--histories",
        "1",
        "30",
        "--json",
    ]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.build", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert (figures["clicks"], figures["orders"]) == (3000, 300)
    assert figures["rows_equal_statement"] == 300 * 4
    assert figures["rows_equal_full"] > 0
    assert set(figures["incremental_s"]) == {"1x", "30x"}
    seconds = ("build_s", "single_statement_s", "ratio", "peak_mb", "statement_peak_mb", "incremental_ratio")
    assert all(figures[name] > 0 for name in seconds)


def test_the_same_rows_come_whether_days_are_loaded_together_or_apart() -> None:
    shape = Shape(clicks=2000, orders=400, days=30, seed=7, late_from=5)
    together, apart = landed(shape, 30), landed(shape, 11, 12, 30)
    for table in ARRIVING:
        rows = sorted(map(repr, together.execute(f"from raw.{table}").fetchall()))
        assert rows == sorted(map(repr, apart.execute(f"from raw.{table}").fetchall()))
        assert len(rows) > 0


def test_the_shop_has_as_many_rows_as_asked_for_and_every_row_a_place_of_its_own() -> None:
    connection = landed(Shape(clicks=2000, orders=400, days=90, seed=7, late_from=90), 90)
    assert one_row(connection, "select count(*) from raw.clicks") == (2000,)
    assert one_row(connection, "select count(distinct order_id) from raw.orders") == (400,)
    for table in ARRIVING[:-1]:
        rows, places = one_row(connection, f"select count(*), count(distinct (_seen, _row_number)) from raw.{table}")
        assert rows == places
        loaded = one_row(connection, "select sum(loaded)::bigint from raw.files where entity = ?", [table])
        assert loaded == (rows,)


def test_tables_that_differ_are_told_with_counts() -> None:
    connection = duckdb.connect()
    connection.execute("create table one as from (values (1, 'a'), (2, 'b'), (2, 'b')) as rows (id, name)")
    connection.execute("create table other as from (values (1, 'a'), (2, 'b'), (3, 'b')) as rows (id, name)")
    assert compare(connection, "one", "one", ["id", "name"]) == 3
    with pytest.raises(RowsDiffer, match=r"1 rows are in one only, such as \(2, 'b'\)"):
        compare(connection, "one", "other", ["id", "name"])
