"""The dbt models by themselves: their unit tests, and that only what came in counts, not how it came in."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from postback_pipeline.destinations import build_destinations
from postback_pipeline.sources.build_context import write_build_context
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.load import load_entity
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

PROJECT = Path(__file__).parents[2] / "dbt_project"
AS_OF = datetime(2026, 2, 1, tzinfo=UTC)
#: Columns that tell when a row was loaded, which is not what it says.
ARRIVAL = {"marts.conversions": "exclude (changed_at)", "marts.decisions": "exclude (touched_at)"}
TABLES = ("marts.conversions", "marts.reversals", "marts.decisions", "outbox.postbacks")


def dbt(folder: Path, *arguments: str) -> None:
    """One dbt command on the warehouse of a folder; fails the test with what dbt said."""
    environment = {
        **os.environ,
        "POSTBACK_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(PROJECT),
    }
    program = str(Path(sys.executable).with_name("dbt"))
    done = subprocess.run(
        [program, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3_000:]


def prepare(shop: Any) -> None:
    """What a build is told besides the rows, with a moment that does not move."""
    settings = shop.settings()
    destinations = build_destinations(settings)
    capabilities = {name: each.capabilities for name, each in destinations.items()}
    with open_warehouse(settings.warehouse_path) as connection:
        create_raw_tables(connection)
        load_definitions(connection, read_definitions(settings.definitions_path, destinations=capabilities), AS_OF)
        load_reference(connection, destinations, settings.destinations)
        write_build_context(connection, as_of=AS_OF, window=None, run_id="test")


def load(shop: Any) -> None:
    """Loads what lies in the landing folder now."""
    with open_warehouse(shop.settings().warehouse_path) as connection:
        for entity in ENTITIES:
            load_entity(connection, entity, shop.settings(), loaded_at=AS_OF - timedelta(hours=1))


def contents(warehouse: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What analysts and the ledger are told, row by row."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            table: connection.execute(f"select * {ARRIVAL.get(table, '')} from {table} order by all").fetchall()
            for table in TABLES
        }


def test_the_models_pass_their_unit_tests(shop: Any) -> None:
    prepare(shop)
    dbt(shop.home, "run", "--empty")
    dbt(shop.home, "test", "--select", "test_type:unit")


def rows(make: Any) -> dict[str, list[dict[str, Any]]]:
    """A month with versions, several refunds, a refund without its order, clicks that compete."""
    orders = [make.order(n, f"{n}.00", day=10 + n % 15, updated_at="2026-01-26T00:00:00Z") for n in range(1, 31)]
    versions = [make.order(n, "99.00", status="pending", updated_at="2026-01-20T00:00:00Z") for n in range(5, 15)]
    clicks = [make.click(n, ("gclid", "irclickid")[n % 2], day=5 + n % 5) for n in range(1, 28)]
    later = [make.click(n, "gclid", day=3, click_id=f"z{n}") for n in range(1, 20)]
    refunds = [make.refund(n, n, f"{n / 2:.2f}", day=20) for n in range(1, 20)]
    more = [make.refund(100 + n, n, "20.00", day=21, kind="chargeback") for n in range(10, 25)]
    return {
        "orders": orders + versions,
        "clicks": clicks + later,
        "refunds": [*refunds, *more, make.refund(999, 999, "1.00")],
    }


def scatter(shop: Any, given: dict[str, list[dict[str, Any]]], chance: random.Random) -> None:
    """Writes each entity in pieces of any size, any order, some of them twice, and loads after any of them."""
    pieces: list[tuple[str, Sequence[dict[str, Any]]]] = []
    for entity, each in given.items():
        shuffled = chance.sample(each, len(each))
        while shuffled:
            size = chance.randint(1, len(shuffled))
            pieces += [(entity, shuffled[:size])] * chance.choice((1, 1, 2))
            shuffled = shuffled[size:]
    chance.shuffle(pieces)
    for entity, piece in pieces:
        getattr(shop, entity)(*chance.sample(piece, len(piece)))
        if chance.random() < 0.3:
            load(shop)
    load(shop)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_splitting_and_repetition_of_the_same_rows_gives_the_same_tables(
    shop: Any, make: Any, seed: int
) -> None:
    given = rows(make)
    for entity, each in given.items():
        getattr(shop, entity)(*each)
    prepare(shop)
    load(shop)
    dbt(shop.home, "run", "--exclude", "tag:measure")
    once = contents(shop.settings().warehouse_path)
    assert len(once["outbox.postbacks"]) > 10

    shop.settings().warehouse_path.unlink()
    for file in (shop.home / "landing").rglob("*.*"):
        file.unlink()
    prepare(shop)
    scatter(shop, given, random.Random(seed))
    dbt(shop.home, "run", "--exclude", "tag:measure")
    assert contents(shop.settings().warehouse_path) == once
