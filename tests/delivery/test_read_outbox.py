"""From the outbox in the warehouse to the element in the ledger: rates, consent, and what is left without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from postback_pipeline.defs.outbox import read_outbox
from postback_pipeline.delivery.enqueue import enqueue_outbox, rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Claim, Ledger, Result
from postback_pipeline.ledger.decision import belief
from postback_pipeline.model import Desired, Facts, Outcome, Phase
from postback_pipeline.settings import Settings
from tests.delivery.lines import NAME

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(
    destinations={NAME: {"type": "webhook", "url": "http://127.0.0.1:9/hook", "secret_env": "CRM_SECRET"}},  # type: ignore[dict-item]
    file=Path("/etc/postbacks.toml"),
)

#: Column -> type and value, of a conversion of 100 EUR for a route in USD.
COLUMNS: dict[str, tuple[str, object]] = {
    "destination": ("varchar", NAME),
    "conversion_key": ("varchar", "purchase:1"),
    "event_name": ("varchar", "purchase"),
    "receiver_event": ("varchar", "Sale"),
    "reason_code": ("varchar", "eligible"),
    "fingerprint": ("varchar", "108.0000 USD"),
    "currency": ("varchar", "USD"),
    "event_id": ("varchar", None),
    "transaction_id": ("varchar", "1"),
    "click_id": ("varchar", "click-1"),
    "identifiers": ("varchar", '{"gclid": "g1", "fbp": "fb.1"}'),
    "person": ("varchar", '{"email": "ada@example.com", "phone": null}'),
    "consent": ("varchar", '{"ad_user_data": "granted"}'),
    "keys_only": ("boolean", False),
    "definition_version": ("varchar", "d1.r1"),
    "computed_against": ("integer", 0),
    "zero_counts": ("boolean", False),
    "desired_value": ("decimal(18,4)", Decimal("108.0000")),
    "pixel_reported_value": ("decimal(18,4)", None),
    "exchange_rate": ("decimal(28,12)", Decimal("1.080000000000")),
    "action_at": ("timestamptz", NOON),
    "event_time": ("timestamptz", NOON),
    "clicked_at": ("timestamptz", NOON),
    "not_before": ("timestamptz", None),
    "expires_at": ("timestamptz", None),
}

#: What the outbox says once consent was withdrawn and half of it refunded.
WITHDRAWN = {
    "desired_value": Decimal("54.0000"),
    "fingerprint": "54.0000 USD",
    "computed_against": 1,
    "identifiers": '{"gclid": "g1"}',
    "person": "{}",
    "consent": '{"ad_user_data": "denied"}',
    "keys_only": True,
}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with an empty outbox."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema outbox")
        body = ", ".join(f"{column} {kind}" for column, (kind, _) in COLUMNS.items())
        connection.execute(f"create table outbox.postbacks ({body})")
        yield connection


def outbox(warehouse: duckdb.DuckDBPyConnection, **changes: object) -> list[Desired]:
    """The outbox's only row, read."""
    row = {column: value for column, (_, value) in COLUMNS.items()} | changes
    warehouse.execute("delete from outbox.postbacks")
    warehouse.execute(
        f"insert into outbox.postbacks ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
    )
    (rows,) = read_outbox(warehouse)[NAME].rows(["purchase:1"])
    return rows


def claimed(ledger: Ledger) -> tuple[Claim, dict[str, Any]]:
    """The one due postback, accepted, and its body."""
    rules = rules_of(build_destinations(SETTINGS)[NAME], SETTINGS.destinations[NAME])
    (claim,) = ledger.claim(NAME, 10, lease_seconds=60, owner="w1", rules=rules)
    ledger.record(
        [Result(claim.postback_id, claim.token, Outcome.ACCEPTED, ledger.now(), phase=Phase.DONE)], rules=rules
    )
    return claim, json.loads(claim.element)


@pytest.mark.parametrize("value", ["0.0000", "0.0001", "54.0000"])
@pytest.mark.parametrize("zero_counts", [True, False])
def test_what_a_row_says_in_short_is_what_the_whole_row_says(
    warehouse: duckdb.DuckDBPyConnection, value: str, zero_counts: bool
) -> None:
    named = f"{value} USD"
    (row,) = outbox(warehouse, desired_value=Decimal(value), zero_counts=zero_counts, fingerprint=named)
    (beliefs,) = read_outbox(warehouse)[NAME].beliefs()
    assert beliefs == [(row.conversion_key, row.computed_against, belief(row))]
    assert (belief(row) is None) == (value == "0.0000" and not zero_counts)


def test_every_column_is_read_into_its_field(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert outbox(warehouse) == [
        Desired(
            destination=NAME,
            conversion_key="purchase:1",
            event_name="purchase",
            desired_value=Decimal(108),
            currency="USD",
            fingerprint="108.0000 USD",
            computed_against=0,
            reason_code="eligible",
            facts=Facts(
                receiver_event="Sale",
                event_id=None,
                transaction_id="1",
                action_at=NOON,
                event_time=NOON,
                click_id="click-1",
                clicked_at=NOON,
                identifiers={"gclid": "g1", "fbp": "fb.1"},
                definition_version="d1.r1",
                exchange_rate=Decimal("1.08"),
            ),
            person={"email": "ada@example.com"},
            consent={"ad_user_data": "granted"},
            keys_only=False,
        )
    ]


def test_a_value_in_the_conversions_own_currency_has_no_rate(warehouse: duckdb.DuckDBPyConnection) -> None:
    (row,) = outbox(warehouse, exchange_rate=None, consent="{}")
    assert (row.facts.exchange_rate, row.consent) == (None, {})


def test_withdrawn_consent_leaves_keys_in_the_adjustment(
    warehouse: duckdb.DuckDBPyConnection, any_ledger: Ledger
) -> None:
    destinations = build_destinations(SETTINGS)
    enqueue_outbox({NAME: outbox(warehouse)}, any_ledger, destinations, SETTINGS)
    _, first = claimed(any_ledger)
    enqueue_outbox({NAME: outbox(warehouse, **WITHDRAWN)}, any_ledger, destinations, SETTINGS)
    claim, adjusted = claimed(any_ledger)

    assert (first["identifiers"], first["consent"]) == ({"gclid": "g1", "fbp": "fb.1"}, {"ad_user_data": "granted"})
    assert first["email_sha256"] is not None
    assert (adjusted["value"], adjusted["previous_value"]) == ("54.00", "108.00")
    assert claim.key.endswith(".2")
    assert (adjusted["identifiers"], adjusted["consent"]) == ({"gclid": "g1"}, {"ad_user_data": "denied"})
    assert (adjusted["email_sha256"], adjusted["phone_sha256"]) == (None, None)
    assert [first["exchange_rate"], adjusted["exchange_rate"]] == ["1.08", "1.08"]
    assert "fb.1" not in claim.element
