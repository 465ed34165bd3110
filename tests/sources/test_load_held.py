"""Rows are held once per content: what a file is called, packed or ordered like changes nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from postback_pipeline.settings import DatabaseSource, FolderSource, Settings
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.load import load_entity

LOADED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def orders(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Good orders, and one that does not fit."""
    rows = [order | {"order_id": str(number), "amount": f"{number}.25", "coupon": ""} for number in range(5)]
    return [*rows, order | {"order_id": "", "amount": "1.25", "coupon": "x"}]


def test_loading_again_changes_nothing(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables(), shop.select("from raw.files")
    load = shop.load()
    assert (load.files, load.unchanged) == ((), 1)
    assert (shop.tables(), shop.select("from raw.files")) == before


def test_touching_a_file_changes_nothing(shop: Any, orders: list[dict[str, Any]]) -> None:
    path = shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables()
    os.utime(path, (1_800_000_000, 1_800_000_000))
    assert shop.load().unchanged == 1
    assert shop.tables() == before


@pytest.mark.parametrize(
    "name", ["orders/b.csv", "orders/deep/er/a.csv", "orders/a.csv.gz", "orders/a.jsonl", "orders/a.parquet"]
)
def test_a_copy_under_another_name_or_format_is_registered_and_loads_nothing(
    shop: Any, orders: list[dict[str, Any]], name: str
) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables()
    shop.write_rows(name, orders)
    (copy,) = shop.load().files
    assert (copy.file, copy.rows, copy.loaded, copy.quarantined, copy.same_as) == (name, 6, 0, 0, "orders/a.csv")
    assert shop.tables() == before


def test_a_renamed_file_changes_nothing(shop: Any, orders: list[dict[str, Any]]) -> None:
    path = shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables()
    path.rename(path.with_name("renamed.csv"))
    shop.load()
    assert shop.tables() == before


def test_other_orders_of_rows_and_columns_are_the_same_content(shop: Any, orders: list[dict[str, Any]]) -> None:
    path = shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables()
    shop.write_rows("orders/a.csv", [dict(reversed(row.items())) for row in reversed(orders)])
    shop.write_rows("orders/b.csv", [row | {"email": ""} for row in orders[3:] + orders[:3]])
    load = shop.load()
    assert load.unchanged == 1
    assert [file.same_as for file in load.files] == ["orders/a.csv"]
    assert shop.tables() == before
    assert path.exists()


def test_another_spelling_of_the_same_values_is_the_same_content(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.write_rows(
        "orders/b.jsonl", [order | {"amount": 10.5, "ordered_at": "2024-05-31 16:03:00Z", "currency": "eur"}]
    )
    assert [file.same_as for file in shop.load().files] == [None, "orders/a.csv"]


def test_a_row_more_or_a_repeated_row_is_another_content(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders[:2])
    shop.write_rows("orders/b.csv", orders[:3])
    shop.write_rows("orders/c.csv", orders[:2] + orders[:1])
    assert [file.loaded for file in shop.load().files] == [2, 3, 3]


def test_sources_hold_their_rows_apart(shop: Any, orders: list[dict[str, Any]]) -> None:
    sources: dict[str, FolderSource | DatabaseSource] = {
        name: FolderSource(kind="folder", path=f"landing/{name}") for name in ("one", "two")
    }
    settings = Settings(sources=sources, home=shop.home)
    for name in ("one/orders/a.csv", "one/orders/b.csv", "two/orders/a.csv", "two/orders/b.csv"):
        shop.write_rows(name, orders)
    load = load_entity(shop.connection, "orders", settings, loaded_at=LOADED_AT)
    assert [(file.source, file.file, file.loaded) for file in load.files if not file.same_as] == [
        ("one", "orders/a.csv", 5),
        ("two", "orders/a.csv", 5),
    ]
    of_two = shop.select("from raw.orders where _source = 'two'"), shop.select("from raw.files where source = 'two'")
    shop.write_rows("one/orders/a.csv", orders[:1])
    load_entity(shop.connection, "orders", settings, loaded_at=LOADED_AT)
    assert shop.select("from raw.orders where _source = 'two'") == of_two[0]
    assert shop.select("from raw.files where source = 'two'") == of_two[1]
    assert check_counts(shop.connection, "orders").tie


def test_a_fixed_file_replaces_its_rows_and_its_quarantine(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.load()
    shop.write_rows("orders/a.csv", [*orders[:4], orders[5] | {"order_id": "5"}])
    load = shop.load()
    assert (load.loaded, load.quarantined) == (5, 0)
    assert shop.reasons() == []
    assert sorted(shop.values("order_id")) == ["0", "1", "2", "3", "5"]
    assert shop.select("select rows, loaded, quarantined from raw.files") == [(5, 5, 0)]


def test_replacing_a_file_leaves_the_rows_to_a_copy_of_what_it_was(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.write_rows("orders/b.csv.gz", orders)
    shop.write_rows("orders/c.jsonl", orders)
    shop.load()
    before = sorted(shop.select("select * exclude (_file) from raw.orders"), key=repr)
    shop.write_rows("orders/a.csv", [orders[0] | {"order_id": "new"}])
    shop.load()
    kept = shop.select("select * exclude (_file) from raw.orders where _file = 'orders/b.csv.gz'")
    assert sorted(kept, key=repr) == before
    assert shop.select("select distinct file from raw.quarantine") == [("orders/b.csv.gz",)]
    assert shop.select("select file, loaded, quarantined, same_as from raw.files order by file") == [
        ("orders/a.csv", 1, 0, None),
        ("orders/b.csv.gz", 5, 1, None),
        ("orders/c.jsonl", 0, 0, "orders/b.csv.gz"),
    ]
    assert check_counts(shop.connection, "orders").tie


def test_a_copy_that_changes_takes_nothing_from_the_file_that_holds_the_rows(
    shop: Any, orders: list[dict[str, Any]]
) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.write_rows("orders/b.csv", orders)
    shop.load()
    shop.write_rows("orders/b.csv", [orders[0] | {"order_id": "new"}])
    shop.load()
    assert sorted(shop.values("order_id")) == ["0", "1", "2", "3", "4", "new"]


def test_a_file_that_is_gone_keeps_its_rows(shop: Any, orders: list[dict[str, Any]]) -> None:
    path = shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables()
    path.unlink()
    shop.load()
    assert shop.tables() == before


def test_files_are_seen_in_the_order_in_which_they_arrived(shop: Any, order: dict[str, Any]) -> None:
    names = ["orders/c.csv", "orders/a.csv", "orders/b.csv"]
    for number, name in enumerate(names):
        shop.write_rows(name, [order | {"amount": str(number)}])
    shop.load()
    assert shop.values("_file") == names
    shop.write_rows("orders/c.csv", [order | {"amount": "9"}])
    shop.load()
    assert shop.values("_file") == ["orders/a.csv", "orders/b.csv", "orders/c.csv"]
    assert shop.values("amount")[-1] == Decimal(9)


def test_another_declaration_of_the_source_is_applied_to_files_held_already(shop: Any, refund: dict[str, Any]) -> None:
    shop.write_rows("refunds/a.csv", [refund | {"amount": "-4.00"}])
    shop.load("refunds")
    assert len(shop.reasons("refunds")) == 1
    shop.load("refunds", refund_sign="negative")
    assert shop.reasons("refunds") == []
    assert shop.values("amount", "refunds") == [Decimal(4)]
    assert shop.load("refunds", refund_sign="negative").unchanged == 1


def test_a_file_is_registered_with_its_rows_or_not_at_all(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.load()
    before = shop.tables(), shop.select("from raw.files")
    shop.write_rows("orders/a.csv", [*orders[:2], orders[5]])
    shop.connection.execute("alter table raw.quarantine rename row_hash to taken_away")
    with pytest.raises(duckdb.Error):
        shop.load()
    shop.connection.execute("alter table raw.quarantine rename taken_away to row_hash")
    assert (shop.tables(), shop.select("from raw.files")) == before
    assert shop.load().loaded == 2


def test_a_load_that_does_not_tie_never_commits(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.connection.execute("insert into raw.orders (_source, _file) values ('shop', 'orders/a.csv')")
    shop.write_rows("orders/a.csv", orders)
    with pytest.raises(AssertionError, match=r"orders/a\.csv: the rows held do not tie"):
        shop.load()
    assert shop.select("select count(*) from raw.orders") == [(1,)]
    assert shop.select("from raw.files") == []


def test_both_sides_of_the_counts_are_counted_anew(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.csv", orders)
    shop.load()
    counts = check_counts(shop.connection, "orders")
    assert (counts.rows, counts.loaded, counts.quarantined, counts.in_raw, counts.in_quarantine) == (6, 5, 1, 5, 1)
    assert counts.tie
    shop.connection.execute("delete from raw.orders where order_id = '3'")
    assert check_counts(shop.connection, "orders").in_raw == 4
    assert not check_counts(shop.connection, "orders").tie


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ({"rename": {"order": {"total": "amount"}}}, "its settings name order, which is none of clicks, orders,"),
        (
            {"rename": {"orders": {"total": "amout"}}},
            "its settings rename total to amout, which is no column of orders",
        ),
    ],
)
def test_a_misspelt_name_in_the_settings_is_told(
    shop: Any, order: dict[str, Any], declared: dict[str, Any], complaint: str
) -> None:
    shop.write_rows("orders/a.csv", [order])
    assert complaint in shop.refused(**declared)


def test_nothing_temporary_is_left_behind(shop: Any, orders: list[dict[str, Any]]) -> None:
    shop.write_rows("orders/a.jsonl", orders)
    shop.load()
    assert shop.select("select table_name from duckdb_tables() where temporary") == []
