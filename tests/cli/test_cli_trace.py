"""`postback trace`: the whole story of one order, and nothing personal in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml  # type: ignore[import-untyped]
from typer.testing import Result

from postback_pipeline.cli.reasons import REASONS, explain
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import EnqueueReport, Ledger
from postback_pipeline.model import Desired, Outcome
from postback_pipeline.settings import Settings
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.warehouse import create_raw_tables

Postback = Callable[..., Result]
DBT_MODELS = Path(__file__).parents[2] / "dbt_project" / "models"

PERSONAL = ("Ann@Example.com", "+44 20 7946 0000", "203.0.113.9", "/account?who=ann", "Ann", "Mozilla")

WAREHOUSE = """
insert into raw.orders
    (order_id, ordered_at, status, amount, currency, updated_at, session_id, user_id, email, phone, first_name, ip,
     user_agent, _file, _row_number, _seen)
values
    ('4711', '2026-01-10 09:00+00', 'pending', 100, 'GBP', '2026-01-10 09:00+00', 's1', 'u1', 'Ann@Example.com',
     '+44 20 7946 0000', 'Ann', '203.0.113.9', 'Mozilla', 'orders/1.csv', 1, 1),
    ('4711', '2026-01-10 09:00+00', 'paid', 100, 'GBP', '2026-01-11 09:00+00', 's1', 'u1', 'Ann@Example.com',
     '+44 20 7946 0000', 'Ann', '203.0.113.9', 'Mozilla', 'orders/2.csv', 7, 2),
    ('9999', '2026-01-10 09:00+00', 'paid', 5, 'GBP', null, 's9', 'u9', null, null, null, null, null, 'orders/2.csv',
     8, 2);
insert into raw.refunds (refund_id, order_id, refunded_at, amount, currency, kind, _file, _row_number)
values ('r1', '4711', '2026-01-12 09:00+00', 40, 'GBP', 'refund', 'refunds/1.csv', 1);
insert into raw.quarantine (entity, file, row_number, reason, row, loaded_at)
values
    ('refunds', 'refunds/1.csv', 2, 'The currency is missing.', '{"order_id": "4711", "email": "Ann@Example.com"}',
     now()),
    ('refunds', 'refunds/1.csv', 3, 'The currency is missing.', '{"order_id": "9999"}', now()),
    ('orders', 'orders/3.csv', 1, 'The row is not JSON.', 'order_id=4711', now());
insert into raw.clicks (click_id, clicked_at, landing_url, session_id, user_id, ip, campaign, _seen)
values
    ('in-window', '2026-01-10 08:00+00', 'https://shop.example/account?who=ann&gclid=g1', 's1', null, '203.0.113.9',
     'winter', 1),
    ('too-old', '2025-11-01 08:00+00', 'https://shop.example/', null, 'u1', null, null, 1),
    ('after', '2026-01-10 10:00+00', 'https://shop.example/?gclid=g2', 's1', null, null, null, 1),
    ('somebody-elses', '2026-01-10 08:00+00', 'https://shop.example/?gclid=g3', 's9', 'u9', null, null, 1);
create schema marts;
create table marts.conversions as
    select 'purchase:4711' as conversion_key, 'purchase' as event_name, '4711' as source_id,
        'partly_reversed' as status, 'GBP' as currency,
        100.0000::decimal(18, 4) as value, 60.0000::decimal(18, 4) as net_value,
        '2026-01-10 09:00+00'::timestamptz as action_at, '2026-01-10 09:00+00'::timestamptz as qualified_at,
        '2026-01-10 09:00+00'::timestamptz as occurred_at, 'Ann@Example.com' as email;
create table marts.reversals as
    select 'purchase:4711' as conversion_key, 'r1' as reversal_id, 'refund' as kind, 'applied' as status,
        40.0 as amount, 40.0 as applied_amount, 0.0 as excess_amount, 'GBP' as currency,
        '2026-01-12 09:00+00'::timestamptz as reversed_at;
create table marts.decisions as
    select 'purchase:4711' as conversion_key, 'partner' as destination, 'withhold' as decision,
        'on_hold' as reason_code, 'in-window' as click_id, 'session_id' as matched_by, 'gclid' as identifier,
        'g1' as identifier_value, '2026-01-20 09:00+00'::timestamptz as eligible_at;
"""


@pytest.fixture
def published(deployment: Settings) -> Settings:
    """A published warehouse with one order and all that belongs to it."""
    deployment.published_path.parent.mkdir(parents=True)
    with duckdb.connect(deployment.published_path) as connection:
        connection.execute("set timezone = 'UTC'")
        create_raw_tables(connection)
        built = build_destinations(deployment)
        read = read_definitions(
            deployment.definitions_path, destinations={name: each.capabilities for name, each in built.items()}
        )
        load_definitions(connection, read, read.routes[0].start_at or connection.sql("select now()").fetchall()[0][0])
        connection.execute(WAREHOUSE)
    return deployment


@pytest.fixture
def sent(
    published: Settings,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    """The order's conversion was told and refused; another one waits."""
    enqueue(ledger, desired("4711"))
    send(ledger, outcome=Outcome.REJECTED, reason="unknown click", http_status=422)
    enqueue(ledger, desired("9999"))


def told(postback: Postback, key: str) -> dict[str, list[dict[str, Any]]]:
    """The story for machines."""
    result = postback("trace", key, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, list[dict[str, Any]]] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("key", ["purchase:4711", "4711"])
def test_an_orders_story_is_told_by_its_key_or_its_own_id(postback: Postback, sent: None, key: str) -> None:
    story = told(postback, key)

    assert [(row["status"], row["file"], row["row_number"]) for row in story["orders"]] == [
        ("pending", "orders/1.csv", 1),
        ("paid", "orders/2.csv", 7),
    ]
    assert [row["refund_id"] for row in story["refunds"]] == ["r1"]
    assert [(row["file"], row["row_number"]) for row in story["quarantine"]] == [("refunds/1.csv", 2)]
    assert [(row["conversion_key"], row["net_value"]) for row in story["conversions"]] == [("purchase:4711", "60.0000")]
    assert [row["reversal_id"] for row in story["reversals"]] == ["r1"]
    assert [row["conversion_key"] for row in story["postbacks"]] == ["purchase:4711"]
    (attempt,) = story["postbacks"][0]["attempts"]
    assert (attempt["outcome"], attempt["http_status"]) == ("rejected", 422)
    assert story["notes"] == []


def test_every_click_of_the_person_is_listed_with_the_routes_it_could_serve(postback: Postback, sent: None) -> None:
    clicks = told(postback, "4711")["clicks"]

    assert [(row["click_id"], row["shares"], row["carries"], row["in_window_of"]) for row in clicks] == [
        ("after", "session_id", ["gclid"], None),
        ("in-window", "session_id", ["gclid"], ["partner"]),
        ("too-old", "user_id", None, None),
    ]


def test_a_decision_is_explained(postback: Postback, sent: None) -> None:
    (decision,) = told(postback, "4711")["decisions"]

    assert (decision["destination"], decision["reason_code"], decision["click_id"]) == (
        "partner",
        "on_hold",
        "in-window",
    )
    assert decision["sentence"] == "Its hold has not passed; it may be reported from 2026-01-20 09:00:00 UTC on."


def test_the_story_reads_as_text(postback: Postback, sent: None) -> None:
    result = postback("trace", "4711")

    assert result.exit_code == 0
    for part in (
        "Conversion purchase:4711",
        "Order, version by version",
        "Refunds",
        "Rows in quarantine",
        "Clicks considered",
        "partner: Its hold has not passed",
        "partner: revision 1, conversion of 10.50 GBP, rejected (unknown click)",
    ):
        assert part in result.stdout, part


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_personal_is_told(postback: Postback, sent: None, options: list[str]) -> None:
    output = postback("trace", "4711", *options).output

    assert not [value for value in PERSONAL if value in output]


def test_an_order_that_is_no_conversion_yet_is_told_all_the_same(postback: Postback, sent: None) -> None:
    story = told(postback, "9999")

    assert [row["order_id"] for row in story["orders"]] == ["9999"]
    assert [row["transaction_id"] for row in story["postbacks"]] == ["9999"]
    assert story["conversions"] == story["decisions"] == []


def test_without_a_warehouse_the_ledgers_part_is_told_with_a_note(
    postback: Postback,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    enqueue(sqlite_ledger, desired("4711"))

    story = told(postback, "purchase:4711")

    assert len(story["postbacks"]) == 1
    assert "There is no published warehouse at" in str(story["notes"])


def test_without_a_ledger_the_warehouses_part_is_told_with_a_note(postback: Postback, published: Settings) -> None:
    result = postback("trace", "4711")

    assert "Conversion purchase:4711" in result.stdout
    assert "There is no ledger at" in result.stderr


def test_an_unknown_key_is_a_sentence(postback: Postback, sent: None) -> None:
    result = postback("trace", "'; drop table raw.orders; --")

    assert result.exit_code == 1
    assert result.stderr == 'Nothing is known of "\'; drop table raw.orders; --".\n'


def test_a_warehouse_that_cannot_be_read_is_a_sentence(postback: Postback, published: Settings) -> None:
    published.published_path.write_bytes(b"no database")

    result = postback("trace", "4711")

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert "Traceback" not in result.output


def test_every_reason_that_a_decision_can_have_is_explained() -> None:
    described = yaml.safe_load((DBT_MODELS / "marts" / "_marts__models.yml").read_text())
    (decisions,) = [model for model in described["models"] if model["name"] == "decisions"]
    (column,) = [each for each in decisions["columns"] if each["name"] == "reason_code"]
    (closed_list,) = [each["accepted_values"] for each in column["data_tests"] if "accepted_values" in each]

    assert set(REASONS) == set(closed_list["arguments"]["values"])


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_a_whole_sentence(code: str) -> None:
    sentence = explain({"reason_code": code, "eligible_at": None})

    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_a_reason_without_a_sentence_stands_for_itself() -> None:
    assert explain({"reason_code": "something_new"}) == "something_new"
