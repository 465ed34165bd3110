"""Definitions: what is accepted, what its defaults are, and what lands in the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.sources.definition_types import Definitions, MatchOn, PixelDeduplication, ValueRule
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.warehouse import create_raw_tables

CREATED = datetime(2026, 1, 15, 12, tzinfo=UTC)
DESTINATIONS = {"shop_ads": Capabilities(max_age=timedelta(days=90)), "partner": Capabilities()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The least that is right: one event, one route, one parameter."""
    (tmp_path / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses\npurchase,orders,paid|shipped\n"
    )
    (tmp_path / "routes.csv").write_text(
        "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
        "shop_ads,purchase,Purchase,click,gclid,30,\n"
    )
    (tmp_path / "click_id_parameters.csv").write_text("parameter,identifier,network\ngclid,gclid,google\n")
    return tmp_path


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """An empty warehouse with its raw tables."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    create_raw_tables(connection)
    return connection


def read(folder: Path) -> Definitions:
    """The folder, against the destinations of these tests."""
    return read_definitions(folder, destinations=DESTINATIONS)


def test_optional_columns_may_be_absent_and_have_their_defaults(folder: Path) -> None:
    found = read(folder)

    (definition,) = found.conversions
    assert (definition.action_at, definition.qualified_at) == ("ordered_at", "ordered_at")
    assert (definition.value_rule, definition.zero_values, definition.hold_days) == (ValueRule.GROSS, "exclude", 0)
    assert definition.qualifying_statuses == ("paid", "shipped")
    (route,) = found.routes
    assert (route.scope, route.hold_days, route.event_time) == ("network", 0, "action_at")
    assert (route.consent_purposes, route.consent_denied, route.consent_unknown) == ((), "block", "block")
    assert (route.pixel_deduplication, route.event_id_template) == (PixelDeduplication.NONE, "")
    assert (route.send_reversals, route.start_at, route.end_at) == (True, None, None)


def test_spreadsheet_habits_are_understood(folder: Path) -> None:
    (folder / "routes.csv").write_bytes(
        b"\xef\xbb\xbfdestination, event_name,receiver_event,match_on,identifiers,lookback_days,send_reversals,"
        b"start_at,consent_purposes,event_id_template\r\n"
        b'shop_ads,purchase,"Order, paid", click ,gclid | wbraid,30,FALSE,2026-02-01,ad_user_data | analytics,\r\n'
        b",,,,,,,,,\r\n"
        b"partner,purchase,sale,identity,,,TRUE,2026-02-01T09:00:00+01:00,,order-{order_id}\r\n"
    )

    first, second = read(folder).routes

    assert first.receiver_event == "Order, paid"
    assert first.identifiers == ("gclid", "wbraid")
    assert first.send_reversals is False
    assert first.start_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert first.consent_purposes == ("ad_user_data", "analytics")
    assert (second.match_on, second.lookback_days) == (MatchOn.IDENTITY, None)
    assert second.start_at == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert second.event_id_template == "order-{order_id}"


def test_files_with_headers_only_are_right_and_empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.write_text(file.read_text().splitlines()[0])

    assert read(folder) == Definitions((), (), ())


def test_a_version_names_the_content_and_not_its_spelling(folder: Path) -> None:
    plain = read(folder)
    (folder / "conversions.csv").write_text(
        "hold_days,qualifying_statuses,source_entity,event_name\n0,paid|shipped,orders,purchase\n"
    )
    spelled_out = read(folder)
    (folder / "conversions.csv").write_text(
        "hold_days,qualifying_statuses,source_entity,event_name\n3,paid|shipped,orders,purchase\n"
    )
    edited = read(folder)

    assert spelled_out.conversions[0].definition_version == plain.conversions[0].definition_version
    assert edited.conversions[0].definition_version != plain.conversions[0].definition_version
    assert edited.routes[0].route_version == plain.routes[0].route_version


def test_a_load_fills_every_column_and_starts_open_routes_with_the_ledger(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    load_definitions(warehouse, read(folder), CREATED)

    (definition,) = warehouse.sql("select * from raw.conversion_definitions").to_df().to_dict("records")
    version = definition.pop("definition_version")
    assert definition == {
        "event_name": "purchase",
        "source_entity": "orders",
        "qualifying_statuses": "paid|shipped",
        "action_at": "ordered_at",
        "qualified_at": "ordered_at",
        "value_rule": "gross",
        "zero_values": "exclude",
        "hold_days": 0,
    }
    assert len(version) == 12
    route = warehouse.sql(
        "select identifiers, lookback_days, scope, consent_purposes, send_reversals, start_at, end_at from raw.routes"
    )
    assert route.fetchall() == [("gclid", 30, "network", "", True, CREATED, None)]
    assert warehouse.sql("from raw.click_id_parameters").fetchall() == [("gclid", "gclid", "google")]


def test_loading_the_same_definitions_again_changes_nothing(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    assert load_definitions(warehouse, read(folder), CREATED) is True
    assert load_definitions(warehouse, read(folder), CREATED) is False


def test_a_row_taken_out_of_the_file_leaves_the_warehouse(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    load_definitions(warehouse, read(folder), CREATED)
    (folder / "click_id_parameters.csv").write_text("parameter,identifier,network\nttclid,ttclid,tiktok\n")

    assert load_definitions(warehouse, read(folder), CREATED) is True

    assert warehouse.sql("select parameter from raw.click_id_parameters").fetchall() == [("ttclid",)]


def test_a_load_that_fails_half_way_leaves_all_tables_as_they_were(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    load_definitions(warehouse, read(folder), CREATED)
    before = warehouse.sql("from raw.conversion_definitions").fetchall()
    warehouse.execute("drop table raw.routes")
    (folder / "conversions.csv").write_text("event_name,source_entity,qualifying_statuses\nsale,orders,paid\n")
    (folder / "routes.csv").write_text("destination,event_name,receiver_event,match_on,consent_purposes\n")

    with pytest.raises(duckdb.CatalogException):
        load_definitions(warehouse, read(folder), CREATED)

    assert warehouse.sql("from raw.conversion_definitions").fetchall() == before
