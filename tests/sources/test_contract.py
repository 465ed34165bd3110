"""The landing contract: every entity takes what it promises, and a definition may name only what an entity has."""

from __future__ import annotations

import typing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from postback_pipeline.sources.contract import ENTITIES, IDENTITY, NETWORK_IDENTIFIERS
from postback_pipeline.sources.conversion_cells import FIELDS, PARTS
from postback_pipeline.sources.definition_types import ConversionDefinition
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.raw_tables import RAW_TABLES
from postback_pipeline.sources.source_entities import SOURCE_ENTITIES

AT = "2024-05-31T16:03:00Z"
#: Of each entity that is not loaded elsewhere in these tests, the least that fits, and everything beside it.
ROWS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "clicks": (
        {"click_id": "c1", "clicked_at": AT},
        {name: f"{name}-1" for name in NETWORK_IDENTIFIERS} | {"landing_url": "https://a.example/?gclid=x"},
    ),
    "order_items": (
        {"order_id": "1001", "line": "1", "sku": "shoe", "quantity": "1.5", "unit_price": "-2.50"},
        {"name": "Shoe", "category": "Shoes", "brand": "B"},
    ),
    "leads": (
        {"lead_id": "L1", "created_at": AT, "status": "closed_won", "status_at": AT},
        {"score": "71.5", "value": "200", "currency": "GBP", "is_test": "false", "user_id": "u1", "dclid": "d"},
    ),
    "subscription_events": (
        {"subscription_id": "S1", "event_id": "e1", "event": "chargeback", "occurred_at": AT},
        {"plan": "gold", "amount": "9.90", "currency": "EUR", "is_test": "true", "ran_site_id": "r"},
    ),
    "app_events": (
        {"event_id": "e1", "event": "af_purchase", "occurred_at": AT},
        {"platform": "android", "device_id": "d1", "app_id": "a", "appsflyer_id": "1-2", "adjust_id": "j"}
        | {"amount": "1", "currency": "JPY", "is_test": "false", "email": "a@b.example"},
    ),
    "pixel_events": (
        {"event_id": "px-1", "event": "purchase", "occurred_at": AT},
        {"destination": "meta", "value": "10.50", "currency": "EUR", "is_test": "true", "fbclid": "f", "phone": "1"},
    ),
    "ad_spend": (
        {"date": "2024-05-31", "destination": "meta", "cost": "12.34", "currency": "EUR"},
        {"campaign": "spring", "clicks": "10", "impressions": "1000.5"},
    ),
    "platform_reports": (
        {"date": "2024-05-31", "destination": "meta", "event": "purchase", "conversions": "12.5"},
        {"value": "99.95", "currency": "EUR", "match_rate": "0.8725", "time_zone": "UTC", "attribution_window": "7d"}
        | {"pulled_at": "20240601T100000Z"},
    ),
    "fx_rates": ({"date": "2024-05-31", "currency": "EUR", "rate_to_base": "1"}, {}),
}


@pytest.mark.parametrize("entity", ROWS)
def test_an_entity_takes_its_least_and_everything_beside_it(shop: Any, entity: str) -> None:
    least, more = ROWS[entity]
    shop.write_rows(f"{entity}/a.jsonl", [least, least | more])
    shop.load(entity)
    assert shop.reasons(entity) == []
    assert check_counts(shop.connection, entity).in_raw == 2
    assert shop.select(f"select count(*) from raw.{entity} where _extra is not null") == [(0,)]
    for column in more:
        assert shop.values(column, entity)[0] is None
        assert shop.values(column, entity)[1] is not None


@pytest.mark.parametrize("entity", ROWS)
def test_an_entity_needs_its_least(shop: Any, entity: str) -> None:
    least, _ = ROWS[entity]
    shop.write_rows(f"{entity}/a.jsonl", [least, *(least | {column: ""} for column in least)])
    shop.load(entity)
    assert shop.reasons(entity) == [f"{column} is missing." for column in least]


@pytest.mark.parametrize(
    ("entity", "column"), [("leads", "value"), ("subscription_events", "amount"), ("app_events", "amount")]
)
def test_what_a_record_is_worth_has_a_currency_and_is_not_negative(shop: Any, entity: str, column: str) -> None:
    row = ROWS[entity][0] | {"currency": "EUR"}
    amounts = [{column: "5"}, {column: "5", "currency": ""}, {column: "-5"}]
    shop.write_rows(f"{entity}/a.jsonl", [row | amount for amount in amounts])
    shop.load(entity)
    assert shop.values(column, entity) == [Decimal(5)]
    assert shop.reasons(entity) == [f"{column} is given without currency.", f"{column} is negative."]


def test_a_match_rate_is_a_share_and_no_percentage(shop: Any) -> None:
    least, _ = ROWS["platform_reports"]
    rates = ["0", "1", "87.25", "-0.1"]
    shop.write_rows("platform_reports/a.jsonl", [least | {"match_rate": rate} for rate in rates])
    shop.load("platform_reports")
    assert shop.values("match_rate", "platform_reports") == [Decimal(0), Decimal(1)]
    assert shop.reasons("platform_reports") == ["match_rate is not a share from 0 to 1."] * 2


def test_a_history_of_a_lead_is_kept_whole(shop: Any) -> None:
    least, _ = ROWS["leads"]
    steps = [{"status": "new"}, {"status": "verified"}, {"status": "verified", "status_at": "2024-06-01T00:00:00Z"}]
    shop.write_rows("leads/a.csv", [least | step for step in steps])
    assert shop.load("leads").loaded == 3


def test_days_are_dates(shop: Any) -> None:
    for entity in ("ad_spend", "fx_rates"):
        shop.write_rows(f"{entity}/a.csv", [ROWS[entity][0]])
        shop.load(entity)
        assert shop.values("date", entity) == [date(2024, 5, 31)]


@pytest.mark.parametrize("name", ENTITIES)
def test_an_entity_names_each_column_once_and_has_its_key(name: str) -> None:
    entity = ENTITIES[name]
    assert len(entity.by_name) == len(entity.columns)
    assert set(entity.key) <= entity.by_name.keys()
    assert {column.currency for column in entity.columns if column.currency} <= entity.by_name.keys()


def test_conversions_come_from_entities_that_know_whose_they_are() -> None:
    hints = typing.get_type_hints(ConversionDefinition)
    assert set(typing.get_args(hints["source_entity"])) == SOURCE_ENTITIES.keys()
    for name, source in SOURCE_ENTITIES.items():
        columns = ENTITIES[name].by_name
        assert {column.name for column in IDENTITY} | {"is_test"} <= columns.keys()
        assert {*source.times, *source.parts} <= columns.keys()
        assert {source.action_at, source.qualified_at} <= set(source.times)
        assert source.has_plans == ("plan" in columns)
        if source.statuses is not None:
            assert set(source.statuses) < set(columns["status" if "status" in columns else "event"].allowed)
    assert set(FIELDS) - {"source_id"} <= set(ENTITIES["orders"].by_name)
    assert SOURCE_ENTITIES["orders"].parts == PARTS


def test_what_was_removed_is_told_by_columns_that_entities_have() -> None:
    everywhere = {column for entity in ENTITIES.values() for column in entity.by_name}
    assert RAW_TABLES["removed"].keys() - {"entity", "seen"} <= everywhere
    for entity in ENTITIES.values():
        assert RAW_TABLES["removed"].keys() & entity.by_name.keys()
