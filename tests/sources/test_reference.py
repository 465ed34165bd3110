"""Reference tables and the ledger that a warehouse belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from postback_pipeline.destinations.standard_webhooks import SignedOptions
from postback_pipeline.destinations.webhook import Webhook
from postback_pipeline.ledger import LedgerIdentity
from postback_pipeline.settings import DestinationSettings
from postback_pipeline.sources.build_context import ForeignLedger, check_ledger_identity
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
IDENTITY = LedgerIdentity("6c1a", "production", NOON)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse with its raw tables."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        create_raw_tables(connection)
        yield connection


def webhook(name: str, **options: object) -> Webhook:
    """A configured webhook."""
    return Webhook(name, SignedOptions.model_validate({"url": "http://127.0.0.1/", "secret_env": "S", **options}))


def test_capabilities_arrive_in_hours_with_no_limit_as_null(warehouse: duckdb.DuckDBPyConnection) -> None:
    destination = webhook("crm", dedup_window_hours=36, adjustment_min_age_hours=0.5)
    settings = DestinationSettings(type="webhook", report_time_zone="Europe/Berlin")

    load_reference(warehouse, {"crm": destination}, {"crm": settings})

    result = warehouse.execute("select * from raw.destination_capabilities")
    (row,) = result.fetchall()
    assert dict(zip((column[0] for column in result.description), row, strict=True)) == {
        "destination": "crm",
        "type": "webhook",
        "mode": "test",
        "report_time_zone": "Europe/Berlin",
        "deduplicates": True,
        "dedup_window_hours": 36.0,
        "max_age_hours": None,
        "restatement": True,
        "retraction": True,
        "reinstatement": True,
        "increase": True,
        "adjusts_pixel": False,
        "judges_later": False,
        "adjustment_min_age_hours": 0.5,
        "adjustment_max_age_hours": None,
    }


def test_currencies_have_their_minor_units_and_metals_are_none(warehouse: duckdb.DuckDBPyConnection) -> None:
    load_reference(warehouse, {}, {})

    found = dict(warehouse.execute("from raw.currencies").fetchall())

    assert {code: found[code] for code in ("GBP", "JPY", "KWD")} == {"GBP": 2, "JPY": 0, "KWD": 3}
    assert not {"XAU", "XXX", "XTS"} & found.keys()


def test_reference_follows_the_settings_and_is_left_alone_otherwise(warehouse: duckdb.DuckDBPyConnection) -> None:
    one, settings = {"crm": webhook("crm")}, DestinationSettings(type="webhook")
    changed = [
        load_reference(warehouse, one, {"crm": settings}),
        load_reference(warehouse, one, {"crm": settings}),
        load_reference(warehouse, {"shop": webhook("shop")}, {"shop": settings}),
    ]

    assert changed == [True, False, True]
    names = warehouse.execute("select destination from raw.destination_capabilities").fetchall()
    assert names == [("shop",)]


def test_a_new_warehouse_remembers_its_ledger(warehouse: duckdb.DuckDBPyConnection) -> None:
    check_ledger_identity(warehouse, IDENTITY)
    check_ledger_identity(warehouse, IDENTITY)

    assert warehouse.execute("from raw.ledger_identity").fetchall() == [("6c1a", "production", NOON)]


@pytest.mark.parametrize("other", [LedgerIdentity("77ff", "production", NOON), LedgerIdentity("6c1a", "staging", NOON)])
def test_another_ledger_beside_an_existing_warehouse_is_refused(
    warehouse: duckdb.DuckDBPyConnection, other: LedgerIdentity
) -> None:
    check_ledger_identity(warehouse, IDENTITY)

    with pytest.raises(ForeignLedger, match=r"Nothing was enqueued\. Restore the ledger .* or delete the warehouse"):
        check_ledger_identity(warehouse, other)

    assert warehouse.execute("select ledger_id, environment from raw.ledger_identity").fetchall() == [
        ("6c1a", "production")
    ]
