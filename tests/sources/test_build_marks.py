"""A build is told its moment, and leaves a mark of what it has seen once it succeeded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from postback_pipeline.sources.build_context import mark_built, write_build_context
from postback_pipeline.sources.seen import last_seen

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def tell(shop: Any, hours: int = 0, run: str = "first") -> None:
    """Tells a build its moment."""
    write_build_context(shop.connection, as_of=NOON + timedelta(hours=hours), window=None, run_id=run)


def build_rules(shop: Any, **fingerprints: str) -> None:
    """What the models leave behind of the rules they were built with."""
    shop.connection.execute("create schema if not exists intermediate")
    shop.connection.execute(
        "create or replace table intermediate.int_event_rules"
        " (fingerprint varchar, event_name varchar, effective_from date)"
    )
    for event, fingerprint in fingerprints.items():
        shop.connection.execute(
            "insert into intermediate.int_event_rules (event_name, fingerprint) values (?, ?)", [event, fingerprint]
        )


def told(shop: Any) -> list[tuple[Any, ...]]:
    return list(shop.select("select as_of, window_start, window_end, previous_as_of, run_id from raw.build_context"))


def test_a_build_is_told_its_moment_window_and_run(shop: Any) -> None:
    window = date(2026, 1, 1), date(2026, 1, 3)
    write_build_context(shop.connection, as_of=NOON, window=window, run_id="first")
    assert told(shop) == [(NOON, *window, None, "first")]


def test_the_build_before_is_the_last_one_that_succeeded(shop: Any) -> None:
    build_rules(shop)
    tell(shop, 0, "first")
    mark_built(shop.connection, models="m1")
    tell(shop, 1, "failed")
    tell(shop, 2, "third")
    tell(shop, 3, "third")
    assert told(shop) == [(NOON + timedelta(hours=3), None, None, NOON, "third")]
    mark_built(shop.connection, models="m1")
    tell(shop, 4, "fourth")
    assert told(shop) == [(NOON + timedelta(hours=4), None, None, NOON + timedelta(hours=3), "fourth")]


def test_the_mark_says_what_the_build_has_seen(shop: Any, order: dict[str, Any]) -> None:
    build_rules(shop, purchase="f1", lead="f2")
    tell(shop)
    mark_built(shop.connection, models="m1")
    assert shop.select("select as_of, seen, ledger_seq, models from raw.build_marks") == [(NOON, 0, 0, "m1")]

    shop.write_rows("orders/a.csv", [order])
    shop.write_rows("orders/b.csv", [order | {"order_id": "2"}])
    shop.load()
    shop.connection.execute("insert into raw.ledger_history (seq) values (7), (12)")
    build_rules(shop, purchase="f3")
    tell(shop, 1, "second")
    mark_built(shop.connection, models="m2")
    assert shop.select("select as_of, seen, ledger_seq, models from raw.build_marks") == [
        (NOON + timedelta(hours=1), 2, 12, "m2")
    ]
    assert shop.select("select event_name, fingerprint from raw.built_rules") == [("purchase", "f3")]


def test_whatever_is_loaded_after_a_mark_has_a_greater_number(shop: Any, order: dict[str, Any]) -> None:
    build_rules(shop)
    tell(shop)
    shop.write_rows("orders/a.csv", [order])
    shop.load()
    mark_built(shop.connection, models="m1")
    shop.write_rows("orders/a.csv", [order | {"order_id": "2"}])
    shop.load()
    (mark,) = shop.select("select seen from raw.build_marks")[0]
    assert shop.select(f"select order_id from raw.orders where _seen > {mark}") == [("2",)]
    assert shop.select(f"select order_id from raw.removed where seen > {mark}") == [("1001",)]


def test_a_mark_alone_keeps_numbers_from_being_given_again(shop: Any) -> None:
    shop.connection.execute("insert into raw.build_marks (seen) values (41)")
    assert last_seen(shop.connection) == 41


def test_a_mark_is_written_whole_or_not_at_all(shop: Any) -> None:
    build_rules(shop, purchase="f1")
    tell(shop)
    mark_built(shop.connection, models="m1")
    before = shop.select("from raw.build_marks"), shop.select("from raw.built_rules")
    tell(shop, 1, "second")
    shop.connection.execute("drop table intermediate.int_event_rules")
    with pytest.raises(duckdb.CatalogException):
        mark_built(shop.connection, models="m2")
    assert (shop.select("from raw.build_marks"), shop.select("from raw.built_rules")) == before


def test_a_build_that_was_never_told_its_moment_cannot_be_marked(shop: Any) -> None:
    build_rules(shop)
    with pytest.raises(LookupError):
        mark_built(shop.connection, models="m1")
    assert shop.select("from raw.build_marks") == []
