"""What a changed file no longer holds is told by its keys; numbers of loads only ever grow."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse


def removed(shop: Any, *columns: str) -> list[tuple[Any, ...]]:
    return list(shop.select(f"select {', '.join(columns)} from raw.removed order by all"))


def newest(shop: Any) -> int:
    return int(shop.select("select max(seen) from raw.files")[0][0])


def test_rows_that_a_changed_file_no_longer_holds_are_told_by_their_keys(shop: Any, order: dict[str, Any]) -> None:
    ids = {"click_id": "c1", "session_id": "s1", "user_id": "u1", "cart_id": "k1"}
    shop.write_rows("orders/a.csv", [order | ids, order | dict.fromkeys(ids, "") | {"order_id": "2"}])
    shop.load()
    assert removed(shop, "*") == []

    shop.write_rows("orders/a.csv", [order | ids | {"order_id": "3"}])
    shop.load()
    assert removed(shop, "entity", "seen", "order_id", "click_id", "session_id", "user_id", "cart_id", "currency") == [
        ("orders", 2, "1001", "c1", "s1", "u1", "k1", "EUR"),
        ("orders", 2, "2", None, None, None, None, "EUR"),
    ]
    assert shop.select("select order_id, _seen from raw.orders") == [("3", 2)]


@pytest.mark.parametrize(
    ("entity", "row", "keys"),
    [
        (
            "refunds",
            {"refund_id": "R1", "refunded_at": "2024-06-01T09:00:00Z", "amount": "4", "kind": "refund"},
            {"order_id": "1001", "refund_id": "R1", "currency": "EUR"},
        ),
        ("order_items", {"line": "1", "sku": "a", "quantity": "1", "unit_price": "2.50"}, {"order_id": "1001"}),
        (
            "subscription_events",
            {"event": "renewal", "occurred_at": "2024-05-31T00:00:00Z"},
            {"subscription_id": "S1", "event_id": "e1", "user_id": "u1"},
        ),
        (
            "leads",
            {"created_at": "2024-05-31T00:00:00Z", "status": "new", "status_at": "2024-05-31T00:00:00Z"},
            {"lead_id": "L1", "session_id": "s1"},
        ),
        (
            "consents",
            {"purpose": "analytics", "state": "granted", "recorded_at": "2024-05-31T00:00:00Z"},
            {"subject_type": "user", "subject_id": "u1"},
        ),
        ("fx_rates", {"rate_to_base": "1.1"}, {"currency": "USD", "date": "2024-05-31"}),
        ("ad_spend", {"cost": "3"}, {"date": "2024-05-31", "destination": "meta", "currency": "USD"}),
    ],
)
def test_every_entity_tells_the_keys_it_has(shop: Any, entity: str, row: dict[str, str], keys: dict[str, str]) -> None:
    shop.write_rows(f"{entity}/a.csv", [row | keys | ({"currency": "EUR"} if entity == "refunds" else {})])
    shop.load(entity)
    header, *_ = (shop.landing / entity / "a.csv").read_text().splitlines()
    shop.write(f"{entity}/a.csv", header + "\n")
    shop.load(entity)
    expected = [date.fromisoformat(text) if key == "date" else text for key, text in keys.items()]
    assert removed(shop, "entity", *keys) == [(entity, *expected)]
    others = {"order_id", "refund_id", "click_id", "event_id", "lead_id", "subject_id", "date"} - keys.keys()
    assert removed(shop, *sorted(others)) == [(None,) * len(others)]


def test_rows_that_only_moved_to_a_copy_are_not_gone(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.write_rows("orders/copy.csv", [order])
    shop.load()
    shop.write_rows("orders/a.csv", [order | {"order_id": "2"}])
    shop.load()
    assert removed(shop, "*") == []
    shop.write_rows("orders/copy.csv", [order | {"order_id": "3"}])
    shop.load()
    assert removed(shop, "order_id", "seen") == [("1001", 4)]


def test_rows_that_stopped_fitting_are_gone_too(shop: Any, refund: dict[str, Any]) -> None:
    shop.write_rows("refunds/a.csv", [refund])
    shop.load("refunds")
    shop.load("refunds", refund_sign="negative")
    assert len(shop.reasons("refunds")) == 1
    assert removed(shop, "refund_id", "seen") == [("R1", 2)]


def test_a_replacement_is_newer_than_what_was_replaced_even_if_that_was_the_newest(
    shop: Any, order: dict[str, Any]
) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.load()
    for number in range(2, 5):
        shop.write_rows("orders/a.csv", [order | {"order_id": str(number)}])
        shop.load()
        assert shop.values("_seen") == [number]


def test_numbers_are_not_given_again_when_the_registry_lost_its_newest(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.load()
    shop.write_rows("orders/a.csv", [order | {"order_id": "2"}])
    shop.load()
    shop.connection.execute("delete from raw.files; delete from raw.orders")
    shop.write_rows("orders/b.csv", [order | {"order_id": "3"}])
    shop.load()
    assert min(shop.values("_seen")) > 2


def test_a_load_that_fails_removes_nothing(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.load()
    shop.write_rows("orders/a.csv", [order | {"order_id": "2"}, order | {"order_id": ""}])
    shop.connection.execute("alter table raw.quarantine rename row_hash to taken_away")
    with pytest.raises(duckdb.Error):
        shop.load()
    assert removed(shop, "*") == []
    assert shop.values("order_id") == ["1001"]


CHANGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from("12345"), min_size=1, max_size=3), st.booleans()),
    min_size=2,
    max_size=8,
)


@given(CHANGES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reader_that_looks_behind_its_mark_misses_no_change(
    shop: Any, order: dict[str, Any], changes: list[tuple[str, set[str], bool]]
) -> None:
    """Files are written again and again; a reader that takes up only what is newer than its mark stays right."""
    home = Path(tempfile.mkdtemp())
    try:
        with open_warehouse(Path(":memory:")) as connection:
            create_raw_tables(connection)
            each = type(shop)(connection, home)
            known: dict[str, int] = {}
            mark = before = 0
            for file, ids, reads in changes:
                path = each.write_rows(f"orders/{file}.csv", [order | {"order_id": number} for number in sorted(ids)])
                os.utime(path)
                each.load()
                assert newest(each) >= before
                before = newest(each)
                if not reads:
                    continue
                touched = each.select(
                    f"select order_id from raw.orders where _seen > {mark}"
                    f" union select order_id from raw.removed where seen > {mark}"
                )
                held = dict(each.select("select order_id, count(*) from raw.orders group by all"))
                known = {key: held.get(key, 0) for key in {*known, *(key for (key,) in touched)}} | {
                    key: count for key, count in known.items() if (key,) not in touched
                }
                assert {key: count for key, count in known.items() if count} == held
                mark = newest(each)
            assert check_counts(connection, "orders").tie
    finally:
        shutil.rmtree(home)
