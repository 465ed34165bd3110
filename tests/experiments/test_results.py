"""Results and plans from the warehouse's tables: which numbers are compared, and which cautions are said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pytest

from postback_pipeline.experiments.results import read_experiments, read_result
from postback_pipeline.sources.warehouse import create_raw_tables

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
UNIT_COLUMNS = """
    experiment varchar, experiment_unit varchar, experiment_group varchar, currency varchar, conversions bigint,
    value decimal(18, 4), known_conversions bigint, known_value decimal(18, 4), accepted_conversions bigint,
    other_currency_conversions bigint, later_conversions bigint, later_value decimal(18, 4), entry_value decimal(18, 4),
    conversions_before bigint, value_before decimal(18, 4)
"""
REGION_COLUMNS = """
    experiment varchar, pair integer, region varchar, experiment_group varchar, currency varchar, acted_on date,
    is_during boolean, conversions bigint, value decimal(18, 4), known_conversions bigint, known_value decimal(18, 4)
"""


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """One with the tables that results read, a month after the experiments' end."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    create_raw_tables(connection)
    connection.execute(f"create schema metrics; create table metrics.experiment_units ({UNIT_COLUMNS})")
    connection.execute(f"create table metrics.experiment_region_days ({REGION_COLUMNS})")
    told_at(connection, END + timedelta(days=30))
    return connection


def told_at(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """The moment of the last build."""
    connection.execute("delete from raw.build_context")
    connection.execute("insert into raw.build_context (as_of) values (?)", [as_of])


def experiment(connection: duckdb.DuckDBPyConnection, unit: str, outcome: str, share: float | None = 0.2) -> None:
    """A row of experiments.csv, as it was loaded."""
    connection.execute(
        "insert into raw.experiments values ('e', 'd', null, ?, ?, 's', null, ?, ?, ?)",
        [unit, outcome, share, START, END],
    )


def units(connection: duckdb.DuckDBPyConnection, group: str, count: int, **columns: float) -> None:
    """So many units that are all alike; what is not named is one conversion of 10."""
    usual = {
        "conversions": 1,
        "value": 10,
        "known_conversions": 0,
        "known_value": 0,
        "accepted_conversions": 0,
        "other_currency_conversions": 0,
        "later_conversions": 0,
        "later_value": 0,
        "entry_value": 10,
        "conversions_before": 0,
        "value_before": 0,
    }
    row = {**usual, **columns}
    names = ", ".join(row)
    (before,) = connection.execute("select count(*) from metrics.experiment_units").fetchone() or (0,)
    connection.execute(
        "insert into metrics.experiment_units (experiment, experiment_unit, experiment_group, currency,"
        f" {names}) select 'e', 'u' || (range + {before}), '{group}', 'EUR', {', '.join(map(str, row.values()))}"
        f" from range({count})"
    )


@pytest.mark.parametrize(
    ("outcome", "told", "held_out"),
    [
        # 60 of 400 against 10 of 100 bought again; 30 and 20 each; all against a quarter are known.
        ("backend_conversions", 0.15, 0.1),
        ("backend_value", 4.5, 2.0),
        ("platform_conversions", 1.0, 0.25),
        ("platform_value", 1.0, 0.25),
    ],
)
def test_the_groups_are_compared_by_the_outcome(
    warehouse: duckdb.DuckDBPyConnection, outcome: str, told: float, held_out: float
) -> None:
    experiment(warehouse, "user", outcome)
    known = {"known_conversions": 1, "known_value": 10}
    units(warehouse, "told", 340, accepted_conversions=1, **known)
    units(warehouse, "told", 60, accepted_conversions=2, later_conversions=2, later_value=30, **known)
    units(warehouse, "held_out", 65)
    units(warehouse, "held_out", 25, **known)
    units(warehouse, "held_out", 10, later_conversions=1, later_value=20)
    (row,) = read_experiments(warehouse)
    result = read_result(warehouse, row)
    assert row.state == "ended"
    assert result.currency == "EUR"
    assert (result.groups["told"].units, result.groups["held_out"].units) == (400, 100)
    assert result.groups["told"].later_value == pytest.approx(1_800)
    assert result.comparison is not None
    assert (result.comparison.told, result.comparison.held_out) == pytest.approx((told, held_out))
    assert result.comparison.lift == pytest.approx(told / held_out - 1)
    assert result.cautions == []


def test_what_speaks_against_a_result_is_said(warehouse: duckdb.DuckDBPyConnection) -> None:
    experiment(warehouse, "user", "backend_value")
    told_at(warehouse, START + timedelta(days=3))
    spread = np.random.default_rng(1).normal(50, 5, 40)
    for value in spread:
        units(warehouse, "told", 1, value_before=float(round(value, 2)))
        units(warehouse, "held_out", 1, value_before=float(round(value + 20, 2)), accepted_conversions=1)
    units(warehouse, "held_out", 1, other_currency_conversions=2, value_before=70)
    (row,) = read_experiments(warehouse)
    said = "\n".join(read_result(warehouse, row).cautions)
    for part in (
        "It still runs.",
        "41 of 81 units are held out, and 20.0% should be",
        "The groups differed before anything was held out: value of before the start",
        "40 held-out units were told before the experiment was written down",
        "2 conversions are in another currency",
    ):
        assert part in said


def test_an_experiment_of_which_nothing_is_known_compares_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    experiment(warehouse, "user", "platform_value")
    told_at(warehouse, START - timedelta(days=1))
    (row,) = read_experiments(warehouse)
    result = read_result(warehouse, row)
    assert (row.state, result.comparison, result.currency) == ("planned", None, None)
    assert "It is planned: there is nothing to compare." in result.cautions


def test_regions_are_compared_over_whole_days_and_days_without_a_conversion_count(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    experiment(warehouse, "region", "backend_conversions", None)
    for pair in (1, 2, 3):
        for group, is_held_out in (("told", False), ("held_out", True)):
            region = f"{group}{pair}"
            warehouse.execute("insert into raw.experiment_regions values ('e', ?, ?, ?)", [pair, region, is_held_out])
            for number in range(56):
                day = date(2026, 1, 4) + timedelta(days=number)
                is_during = day >= START.date()
                # Told regions rise by 4 a day while the experiment runs; every fourth day nobody buys.
                count = 0 if number % 4 == 0 else 20 + pair + (4 if is_during and group == "told" else 0)
                if count:
                    warehouse.execute(
                        "insert into metrics.experiment_region_days values ('e', ?, ?, ?, 'EUR', ?, ?, ?, ?, 0, 0)",
                        [pair, region, group, day, is_during, count, 10 * count],
                    )
    (row,) = read_experiments(warehouse)
    result = read_result(warehouse, row)
    assert result.comparison is not None
    # Four on three of four days.
    assert result.comparison.difference == pytest.approx(3)
    assert result.cautions == [
        "With 3 pairs the sign-flip test cannot fall below p = 0.25: read the interval.",
    ]
