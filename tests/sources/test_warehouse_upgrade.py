"""A warehouse that an earlier version made gets what it lacks, and loads on from where it was."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from postback_pipeline.sources.build_context import mark_built, write_build_context
from postback_pipeline.sources.contract import ENTITIES, NETWORK_IDENTIFIERS
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.raw_tables import RAW_TABLES
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse
from tests.sources.receivers import Declared

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
NEW_TABLES = (
    *("order_items", "leads", "subscription_events", "app_events", "ad_spend", "fx_rates"),
    *("removed", "test_order_rules", "plan_values", "build_marks", "built_rules"),
)

NEW_COLUMNS = {
    "clicks": tuple(name for name in NETWORK_IDENTIFIERS if name not in ("fbp", "ga_client_id")),
    "orders": ("dclid", "ran_site_id", "device_id", "appsflyer_id", "adjust_id"),
    "pixel_events": ("is_test", "email", "gclid", "device_id", "cart_id", "click_id"),
    "conversion_definitions": (
        *("effective_from", "effective_until", "occurred_at", "less_tax", "less_shipping", "less_discount"),
        *("fixed_value", "currency", "source_of_truth", "first_only_per", "value_version"),
    ),
    "routes": ("timing", "currency"),
    "click_id_parameters": ("valid_days",),
    "ledger_history": ("definition_version", "exchange_rate"),
    "destination_capabilities": ("judges_later",),
    "platform_reports": ("match_rate", "pulled_at"),
}


def make_older(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes away what came later."""
    for table in NEW_TABLES:
        connection.execute(f"drop table raw.{table}")
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            connection.execute(f"alter table raw.{table} drop column {column}")


def shape(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw'"
    ).fetchall()
    return {table: {column: kind for each, column, kind in rows if each == table} for table, _, _ in rows}


def test_a_warehouse_that_was_made_before_a_column_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "warehouse.duckdb"
    with open_warehouse(path) as connection:
        create_raw_tables(connection)
        fresh = shape(connection)
        make_older(connection)
        connection.execute("insert into raw.orders (order_id) values ('kept')")
    with open_warehouse(path) as connection:
        create_raw_tables(connection)
        assert shape(connection) == fresh
        assert connection.execute("select order_id, dclid from raw.orders").fetchall() == [("kept", None)]
        assert connection.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]
        create_raw_tables(connection)
        assert shape(connection) == fresh
    with open_warehouse(path, read_only=True) as connection, pytest.raises(duckdb.Error):
        connection.execute("delete from raw.orders")


def test_the_shape_is_the_declared_one() -> None:
    with open_warehouse(Path(":memory:")) as connection:
        create_raw_tables(connection)
        types = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
        declared = {
            table: {column: types.get(kind, kind) for column, kind in columns.items()}
            for table, columns in RAW_TABLES.items()
        }
        assert shape(connection) == declared


def test_an_older_warehouse_loads_on(shop: Any, order: dict[str, Any], click: dict[str, Any]) -> None:
    """What came in a column that the contract did not know lay in `_extra`: it is read again, and told as changed."""
    make_older(shop.connection)
    shop.connection.execute(
        "insert into raw.clicks (click_id, _extra, _source, _file, _row_number, _row_hash, _seen)"
        """ values ('c1', '{"gclid":"g1"}', 'shop', 'clicks/a.csv', 1, 'h', 3)"""
    )
    shop.connection.execute(
        "insert into raw.files (source, entity, file, sha256, digest, rows, loaded, quarantined, seen, rules)"
        " values ('shop', 'clicks', 'clicks/a.csv', 's', 'd', 1, 1, 0, 3, 'older rules')"
    )
    create_raw_tables(shop.connection)
    shop.write_rows("clicks/a.csv", [click | {"gclid": "g1"}])
    shop.write_rows("orders/a.csv", [order | {"device_id": "d1"}])

    shop.load("clicks")
    shop.load("orders")

    assert shop.select("select click_id, gclid, _extra, _seen from raw.clicks") == [("c1", "g1", None, 4)]
    assert shop.select("select entity, seen, click_id from raw.removed") == [("clicks", 4, "c1")]
    assert shop.select("select device_id, _seen from raw.orders") == [("d1", 5)]
    assert all(check_counts(shop.connection, entity).tie for entity in ENTITIES)


def test_an_older_warehouse_takes_todays_definitions_and_marks(shop: Any) -> None:
    make_older(shop.connection)
    shop.connection.execute(
        "insert into raw.conversion_definitions (event_name, source_entity, value_rule)"
        " values ('purchase', 'orders', 'net_of_tax')"
    )
    shop.connection.execute("insert into raw.click_id_parameters values ('gclid', 'gclid', 'google')")
    shop.connection.execute("insert into raw.build_context (as_of, run_id) values ('2026-01-01', 'older')")
    create_raw_tables(shop.connection)
    shipped = read_definitions(
        Path(__file__).parents[2] / "definitions", destinations={"crm": Declared(), "partner": Declared()}
    )

    assert load_definitions(shop.connection, shipped, AT) is True
    assert load_definitions(shop.connection, shipped, AT) is False
    write_build_context(shop.connection, as_of=AT, window=None, run_id="first")
    shop.connection.execute("create schema intermediate")
    shop.connection.execute("create table intermediate.int_event_rules (event_name varchar, fingerprint varchar)")
    mark_built(shop.connection, models="m")

    assert shop.select("select event_name, value_rule, less_tax from raw.conversion_definitions") == [
        ("purchase", "gross", False)
    ]
    assert shop.select("select valid_days from raw.click_id_parameters where parameter = 'gclid'") == [(90,)]
    assert shop.select("select as_of, previous_as_of from raw.build_context") == [(AT, None)]
    assert shop.select("select as_of, seen from raw.build_marks") == [(AT, 0)]


def test_an_older_history_of_the_ledger_gains_its_columns_empty(shop: Any) -> None:
    make_older(shop.connection)
    shop.connection.execute("insert into raw.ledger_history (seq, value) values (1, 10.5)")
    create_raw_tables(shop.connection)
    assert shop.select("select seq, value, definition_version, exchange_rate from raw.ledger_history") == [
        (1, Decimal("10.5"), None, None)
    ]
