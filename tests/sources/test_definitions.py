"""Definitions: what is accepted, what its defaults are, and what lands in the warehouse."""

from __future__ import annotations

import fnmatch
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.sources.conversion_cells import ValueKind, ValueRule, like_pattern
from postback_pipeline.sources.definition_types import Definitions, MatchOn, PixelDeduplication
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.warehouse import create_raw_tables
from tests.sources.receivers import Declared

SHIPPED = Path(__file__).parents[2] / "definitions"
YEAR = [(2026, month) for month in (1, 2, 3)]
CREATED = datetime(2026, 1, 15, 12, tzinfo=UTC)
DESTINATIONS = {"shop_ads": Declared(Capabilities(max_age=timedelta(days=90))), "partner": Declared()}


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


def records(warehouse: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """The table's rows, by column."""
    result = warehouse.execute(f"from {table}")
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def read(folder: Path) -> Definitions:
    """The folder, against the destinations of these tests."""
    return read_definitions(folder, destinations=DESTINATIONS)


def test_optional_columns_may_be_absent_and_have_their_defaults(folder: Path) -> None:
    found = read(folder)

    (definition,) = found.conversions
    assert (definition.action_at, definition.qualified_at) == ("ordered_at", "ordered_at")
    assert (definition.value_rule, definition.zero_values, definition.hold_days) == (
        ValueRule(ValueKind.GROSS),
        "exclude",
        0,
    )
    assert (definition.effective_from, definition.occurred_at) == (datetime(1970, 1, 1, tzinfo=UTC), "action_at")
    assert (definition.fixed_value, definition.currency) == (None, None)
    assert (definition.source_of_truth, definition.first_only_per, definition.test_rules) == ("server", None, ())
    assert definition.qualifying_statuses == ("paid", "shipped")
    (route,) = found.routes
    assert (route.scope, route.hold_days, route.event_time) == ("network", 0, "action_at")
    assert (route.timing, route.currency) == ("after_hold", None)
    assert (route.consent_purposes, route.consent_denied, route.consent_unknown) == ((), "block", "block")
    assert (route.pixel_deduplication, route.event_id_template) == (PixelDeduplication.NONE, "")
    assert (route.send_reversals, route.start_at, route.end_at) == (True, None, None)
    assert [each.valid_days for each in found.click_id_parameters] == [None]
    assert found.plan_values == ()


@pytest.mark.parametrize(
    ("entity", "status", "times", "zero_values"),
    [
        ("orders", "paid", ("ordered_at", "ordered_at"), "exclude"),
        ("leads", "qualified", ("created_at", "status_at"), "allow"),
        ("subscription_events", "trial_start", ("occurred_at", "occurred_at"), "allow"),
        ("app_events", "af_purchase", ("occurred_at", "occurred_at"), "allow"),
        ("pixel_events", "Complete Registration", ("occurred_at", "occurred_at"), "allow"),
    ],
)
def test_every_entity_has_defaults_of_its_own(
    folder: Path, entity: str, status: str, times: tuple[str, str], zero_values: str
) -> None:
    file = folder / "conversions.csv"
    file.write_text(f"event_name,source_entity,qualifying_statuses\npurchase,{entity},{status}\n")
    (found,) = read(folder).conversions
    file.write_text(
        "event_name,source_entity,qualifying_statuses,action_at,qualified_at,zero_values\n"
        f"purchase,{entity},{status},{times[0]},{times[1]},{zero_values}\n"
    )
    (spelled_out,) = read(folder).conversions

    assert (found.qualifying_statuses, (found.action_at, found.qualified_at)) == ((status,), times)
    assert found.zero_values == zero_values
    assert found == spelled_out
    assert found.definition_version == spelled_out.definition_version


@pytest.mark.parametrize(
    "parts", [p for n in (1, 2, 3) for p in itertools.permutations(("tax", "shipping", "discount"), n)]
)
def test_a_net_value_leaves_out_any_parts_in_any_order(folder: Path, parts: tuple[str, ...]) -> None:
    rule = "net_of_" + "_and_".join(parts)
    (folder / "conversions.csv").write_text(
        f"event_name,source_entity,qualifying_statuses,value_rule\npurchase,orders,paid,{rule}\n"
    )
    in_order = tuple(part for part in ("tax", "shipping", "discount") if part in parts)

    assert read(folder).conversions[0].value_rule == ValueRule(ValueKind.NET, in_order)


def test_the_older_spelling_of_consent_is_understood(folder: Path) -> None:
    (folder / "routes.csv").write_text(
        "destination,event_name,receiver_event,match_on,consent_purposes,consent_denied,consent_unknown\n"
        "shop_ads,purchase,Purchase,identity,analytics,send,send\n"
        "partner,purchase,Purchase,identity,analytics,strip,flag\n"
    )

    assert [(route.consent_denied, route.consent_unknown) for route in read(folder).routes] == [
        ("strip", "strip"),
        ("strip", "flag"),
    ]


@pytest.mark.parametrize(
    ("glob", "pattern"),
    [
        ("*@Example.com", "%@example.com"),
        ("TEST-?", "test-_"),
        ("100%_off", r"100\%\_off"),
        (r"a\b", r"a\\b"),
        ("plain", "plain"),
    ],
)
def test_a_glob_becomes_a_pattern_for_like(glob: str, pattern: str) -> None:
    assert like_pattern(glob) == pattern


@given(st.text("aB*?%_\\.", min_size=1, max_size=6), st.text("ab%_\\.\n", max_size=6))
def test_a_pattern_matches_what_its_glob_does(glob: str, text: str) -> None:
    with duckdb.connect() as connection:
        matches = connection.execute(r"select lower($1) like $2 escape '\'", [text, like_pattern(glob)]).fetchone()

    assert matches == (fnmatch.fnmatchcase(text.lower(), glob.lower()),)


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

    (definition,) = records(warehouse, "raw.conversion_definitions")
    versions = {definition.pop("definition_version"), definition.pop("value_version")}
    assert definition == {
        "event_name": "purchase",
        "source_entity": "orders",
        "effective_from": datetime(1970, 1, 1, tzinfo=UTC),
        "effective_until": None,
        "qualifying_statuses": "paid|shipped",
        "action_at": "ordered_at",
        "qualified_at": "ordered_at",
        "occurred_at": "action_at",
        "value_rule": "gross",
        "less_tax": False,
        "less_shipping": False,
        "less_discount": False,
        "fixed_value": None,
        "currency": None,
        "zero_values": "exclude",
        "hold_days": 0,
        "source_of_truth": "server",
        "first_only_per": None,
    }
    assert [len(version) for version in versions] == [12, 12]
    assert records(warehouse, "raw.test_order_rules") == records(warehouse, "raw.plan_values") == []
    route = warehouse.sql(
        "select identifiers, lookback_days, scope, consent_purposes, send_reversals, start_at, end_at from raw.routes"
    )
    assert route.fetchall() == [("gclid", 30, "network", "", True, CREATED, None)]
    assert warehouse.sql("select timing, currency, consent_denied from raw.routes").fetchall() == [
        ("after_hold", None, "block")
    ]
    assert warehouse.sql("from raw.click_id_parameters").fetchall() == [("gclid", "gclid", "google", None)]


def test_versions_of_an_event_follow_one_another(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    (folder / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses,effective_from,value_rule\n"
        "purchase,orders,paid,,gross\n"
        "lead,leads,new,2026-01-01,gross\n"
        "purchase,orders,paid,2026-02-01,net_of_discount_and_tax\n"
        "purchase,orders,paid,2026-03-01T01:00:00+01:00,net_of_shipping\n"
    )
    load_definitions(warehouse, read(folder), CREATED)

    ever, lead, february, march = (datetime(year, month, 1, tzinfo=UTC) for year, month in ((1970, 1), *YEAR))
    assert warehouse.sql(
        "select event_name, effective_from, effective_until, value_rule, less_tax, less_shipping, less_discount"
        " from raw.conversion_definitions order by event_name, effective_from"
    ).fetchall() == [
        ("lead", lead, None, "gross", False, False, False),
        ("purchase", ever, february, "gross", False, False, False),
        ("purchase", february, march, "net", True, False, True),
        ("purchase", march, None, "net", False, True, False),
    ]


def test_rules_about_tests_stand_beside_their_definition(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    (folder / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses,test_rules\n"
        "purchase,orders,paid,email=*@Example.com | coupon=TEST_*\n"
        "order,orders,paid,coupon=TEST_*|email=*@example.com\n"
    )
    load_definitions(warehouse, read(folder), CREATED)

    assert warehouse.sql(
        "select event_name, field, pattern from raw.test_order_rules join raw.conversion_definitions"
        " using (definition_version) order by all"
    ).fetchall() == [
        (event, field, pattern)
        for event in ("order", "purchase")
        for field, pattern in (("coupon", r"test\_%"), ("email", "%@example.com"))
    ]


def test_fixed_values_and_values_per_plan_arrive(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    (folder / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses,value_rule,fixed_value,currency\n"
        "purchase,subscription_events,start,per_plan,,\n"
        "trial,subscription_events,trial_start,fixed,12.5,EUR\n"
    )
    (folder / "plan_values.csv").write_text(
        "event_name,plan,value,currency\npurchase,gold,99.90,GBP\npurchase,Gold,1,GBP\n"
    )
    load_definitions(warehouse, read(folder), CREATED)

    assert warehouse.sql("from raw.plan_values order by all").fetchall() == [
        ("purchase", "Gold", Decimal(1), "GBP"),
        ("purchase", "gold", Decimal("99.9"), "GBP"),
    ]
    assert warehouse.sql(
        "select event_name, value_rule, fixed_value, currency from raw.conversion_definitions order by 1"
    ).fetchall() == [("purchase", "per_plan", None, None), ("trial", "fixed", Decimal("12.5"), "EUR")]


def value_version(folder: Path, warehouse: duckdb.DuckDBPyConnection, cells: str, plans: str = "") -> str:
    """The version of the value that a row with these cells has."""
    (folder / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses,value_rule,fixed_value,currency,zero_values,hold_days\n"
        f"purchase,subscription_events,start,{cells}\n"
    )
    (folder / "plan_values.csv").write_text(f"event_name,plan,value,currency\n{plans}")
    load_definitions(warehouse, read(folder), CREATED)
    return str(warehouse.sql("select value_version from raw.conversion_definitions").fetchall()[0][0])


def test_the_version_of_the_value_follows_what_decides_it_only(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    gold, silver = "purchase,gold,9,EUR\n", "purchase,silver,5,EUR\n"
    same = [
        [("fixed,10,EUR,,0", ""), ("fixed,10.00,EUR,allow,7", ""), ("fixed,10.0,EUR,,0", gold)],
        [("fixed,11,EUR,,0", "")],
        [("fixed,10,GBP,,0", "")],
        [("fixed,10,EUR,exclude,0", "")],
        [("gross,,,,0", ""), ("gross,,,,3", gold)],
        [("per_plan,,,,0", gold), ("per_plan,,,,0", gold + silver)],
        [("per_plan,,GBP,,0", gold)],
    ]
    found = [{value_version(folder, warehouse, cells, plans) for cells, plans in group} for group in same]

    assert [len(versions) for versions in found] == [1] * len(same)
    assert len(set().union(*found)) == len(same)


def test_an_identifier_that_never_stands_in_a_url_may_have_a_row(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    (folder / "routes.csv").write_text(
        "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
        "shop_ads,purchase,Purchase,click,fbc|own,30,\n"
    )
    (folder / "click_id_parameters.csv").write_text(
        "parameter,identifier,network,valid_days\nfbclid,fbclid,meta,90\n,fbc,meta,7\n,own,shop,\n"
    )
    load_definitions(warehouse, read(folder), CREATED)

    assert warehouse.sql("select parameter, identifier, valid_days from raw.click_id_parameters").fetchall() == [
        ("fbclid", "fbclid", 90),
        (None, "fbc", 7),
        (None, "own", None),
    ]


def test_fbc_may_be_named_without_a_row_of_its_own(folder: Path) -> None:
    file = folder / "routes.csv"
    file.write_text(file.read_text().replace(",gclid,", ",gclid|fbc,"))

    assert read(folder).routes[0].identifiers == ("gclid", "fbc")


def test_ids_of_an_apps_installation_may_be_named_without_rows_of_their_own(folder: Path) -> None:
    file = folder / "routes.csv"
    file.write_text(file.read_text().replace(",gclid,", ",appsflyer_id|adjust_id|device_id,"))

    assert read(folder).routes[0].identifiers == ("appsflyer_id", "adjust_id", "device_id")


def test_the_files_that_come_with_the_product_name_every_network_and_limit_five_identifiers() -> None:
    shipped = read_definitions(SHIPPED, destinations={"crm": Declared(), "partner": Declared()})
    days = {each.parameter: each.valid_days for each in shipped.click_id_parameters}

    assert {parameter for parameter, limit in days.items() if limit == 90} == {
        *("gclid", "gbraid", "wbraid", "fbclid", "msclkid")
    }
    assert {parameter for parameter, limit in days.items() if limit is None} == {
        *("dclid", "ttclid", "li_fat_id", "twclid", "ScCid", "epik", "rdt_cid", "irclickid", "cjevent", "awc"),
        *("ranSiteID", "subid", "sub1", "sub2", "sub3", "aff_sub"),
    }


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
