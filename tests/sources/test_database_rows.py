"""Rows of SQLite and PostgreSQL come in by the same rules as files, each version once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from postback_pipeline.settings import DatabaseSource, Query
from postback_pipeline.sources.held import check_counts

COLUMNS = "order_id, ordered_at, status, amount, currency, user_id, updated_at"
QUERY = f"select {COLUMNS} from shop_orders"


class Database:
    """An order table to write to, and the source that reads it."""

    def __init__(self, url: str, moments: str) -> None:
        self.engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        self.run(
            f"create table shop_orders (order_id integer, ordered_at {moments}, status text, amount numeric(12, 2),"
            f" currency text, user_id integer, updated_at {moments})"
        )

    def run(self, sql: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sqlalchemy.text(sql), values)

    def add(self, order_id: int, updated_at: str = "2024-05-31 18:00:00+00:00", **changes: Any) -> None:
        row = {
            "order_id": order_id,
            "ordered_at": "2024-05-31 16:03:00+00:00",
            "status": "paid",
            "amount": 10.5,
            "currency": "EUR",
            "user_id": None,
            "updated_at": updated_at,
        }
        marks = ", ".join(f":{name}" for name in row)
        self.run(f"insert into shop_orders ({COLUMNS}) values ({marks})", **{**row, **changes})


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The same order table in either database; its URL is in ORDERS_URL."""
    if request.param == "sqlite":
        url, moments = f"sqlite:///{tmp_path / 'shop.sqlite'}", "text"
    else:
        url, moments = request.getfixturevalue("postgres_database"), "timestamptz"
    monkeypatch.setenv("ORDERS_URL", url)
    yield Database(url, moments)


@pytest.fixture
def source() -> Callable[..., DatabaseSource]:
    """Builds the source of one query; small reads, so that there are several."""

    def build(
        sql: str = QUERY, updated_at: str | None = None, overlap_minutes: int = 60, **declared: Any
    ) -> DatabaseSource:
        query = Query(sql=sql, updated_at=updated_at, overlap_minutes=overlap_minutes)
        return DatabaseSource(
            kind="database", url_env="ORDERS_URL", queries={"orders": query}, rows_per_read=2, **declared
        )

    return build


def test_rows_come_in_with_their_types(shop: Any, database: Database, source: Callable[..., DatabaseSource]) -> None:
    for number in range(1, 6):
        database.add(number, user_id=7 if number == 5 else None)
    load = shop.load(source=source())
    assert [(file.file, file.rows, file.loaded) for file in load.files] == [("database:shop", 5, 5)]
    assert shop.select("from (select order_id, ordered_at, amount, user_id, _file from raw.orders) limit 1") == [
        ("1", datetime(2024, 5, 31, 16, 3, tzinfo=UTC), Decimal("10.5"), None, "database:shop")
    ]
    assert shop.values("user_id") == [None] * 4 + ["7"]
    assert shop.values("_row_number") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("updated_at", [None, "updated_at"])
def test_reading_again_adds_nothing(
    shop: Any, database: Database, source: Callable[..., DatabaseSource], updated_at: str | None
) -> None:
    for number in range(3):
        database.add(number)
    shop.load(source=source(updated_at=updated_at))
    before = shop.tables(), shop.select("from raw.files")
    load = shop.load(source=source(updated_at=updated_at))
    assert (load.files, load.unchanged) == ((), 1)
    assert (shop.tables(), shop.select("from raw.files")) == before


def test_a_changed_row_is_a_new_version_and_the_old_one_stays(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1)
    database.add(2)
    shop.load(source=source(updated_at="updated_at"))
    database.run(
        "update shop_orders set status = 'cancelled', updated_at = '2024-05-31 19:00:00+00:00' where order_id = 2"
    )
    load = shop.load(source=source(updated_at="updated_at"))
    assert load.loaded == 1
    assert shop.select("select order_id, status, _row_number from raw.orders order by _seen, order_id") == [
        ("1", "paid", 1),
        ("2", "paid", 2),
        ("2", "cancelled", 4),
    ]
    assert check_counts(shop.connection, "orders").tie


def test_a_row_that_went_back_to_what_it_was_is_the_newest_version(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    query = "select order_id, ordered_at, status, amount, currency from shop_orders"
    database.add(1)
    for status in ("paid", "cancelled", "paid", "paid"):
        database.run("update shop_orders set status = :status", status=status)
        shop.load(source=source(query))
    assert shop.values("status") == ["paid", "cancelled", "paid"]


def test_versions_that_stand_side_by_side_are_each_added_once(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, status="pending")
    database.add(1, status="paid", updated_at="2024-05-31 19:00:00+00:00")
    database.add(1, status="paid", updated_at="2024-05-31 19:00:00+00:00")
    for _ in range(2):
        shop.load(source=source())
    assert sorted(shop.values("status")) == ["paid", "pending"]


def test_rows_that_committed_late_are_found_within_the_overlap(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, updated_at="2024-05-31 18:00:00+00:00")
    shop.load(source=source(updated_at="updated_at"))
    database.add(2, updated_at="2024-05-31 17:30:00+00:00")
    database.add(3, updated_at="2024-05-29 12:00:00+00:00")
    shop.load(source=source(updated_at="updated_at"))
    assert shop.values("order_id") == ["1", "2"]


def test_a_row_dated_in_the_future_hides_none_after_it(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, updated_at="2099-01-01 00:00:00+00:00")
    shop.load(source=source(updated_at="updated_at"))
    database.add(2, updated_at="2024-06-01 11:59:00+00:00")
    shop.load(source=source(updated_at="updated_at"))
    assert shop.values("order_id") == ["1", "2"]


def test_a_row_that_does_not_fit_leaves_quarantine_when_its_key_fits(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, currency="???")
    database.add(2, currency="???")
    database.add(3)
    shop.load(source=source(updated_at="updated_at"))
    assert len(shop.reasons()) == 2
    database.run("update shop_orders set currency = 'EUR', updated_at = '2024-05-31 19:00:00+00:00' where order_id = 1")
    load = shop.load(source=source(updated_at="updated_at"))
    assert (load.loaded, load.quarantined) == (1, 0)
    assert shop.select("select json_extract_string(row, '/order_id') from raw.quarantine") == [("2",)]
    assert check_counts(shop.connection, "orders").tie


def test_a_version_that_does_not_fit_stays_in_quarantine_beside_one_that_does(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, currency="???")
    database.add(1, currency="EUR")
    for _ in range(2):
        shop.load(source=source())
    assert len(shop.reasons()) == 1
    assert shop.values("currency") == ["EUR"]


def test_declarations_and_renames_hold_for_databases_and_are_applied_to_rows_read_before(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1, user_id=0)
    database.add(2, updated_at="2024-05-01 18:00:00+00:00")
    query = (
        "select order_id as id, '2010-07-04 09:24:00' as ordered_at, status, amount, currency, user_id, updated_at"
        " from shop_orders;"
    )
    rename = {"orders": {"id": "order_id"}}
    shop.load(source=source(query, updated_at="updated_at", rename=rename))
    assert len(shop.reasons()) == 2
    shop.load(
        source=source(query, updated_at="updated_at", rename=rename, time_zone="Europe/London", placeholder_ids=("0",))
    )
    assert shop.reasons() == []
    assert shop.values("ordered_at") == [datetime(2010, 7, 4, 8, 24, tzinfo=UTC)] * 2
    assert shop.values("user_id") == [None, None]


def test_colons_and_percent_signs_in_a_query_are_its_own(
    shop: Any, database: Database, source: Callable[..., DatabaseSource]
) -> None:
    database.add(1)
    query = f"{QUERY} where cast('12:30 :x 100%' as text) like '12:30 :x %' -- all of them"
    for _ in range(2):
        shop.load(source=source(query, updated_at="updated_at"))
    assert shop.values("order_id") == ["1"]


def test_an_empty_table_gives_no_rows(shop: Any, database: Database, source: Callable[..., DatabaseSource]) -> None:
    load = shop.load(source=source(updated_at="updated_at"))
    assert (load.rows, load.refused) == (0, ())
    database.add(1)
    assert shop.load(source=source(updated_at="updated_at")).loaded == 1


def test_files_and_databases_stand_side_by_side(
    shop: Any, database: Database, source: Callable[..., DatabaseSource], order: dict[str, Any]
) -> None:
    shop.write_rows("orders/a.csv", [order])
    shop.load()
    database.add(1)
    shop.load(source=source())
    assert shop.values("_file") == ["orders/a.csv", "database:shop"]
    assert check_counts(shop.connection, "orders").tie


def test_a_row_that_went_back_is_a_new_version_also_where_a_part_of_its_key_is_empty(
    shop: Any, database: Database
) -> None:
    key = "'2024-05-31' as date, 'meta' as destination, null as campaign"
    query = Query(sql=f"select {key}, amount as cost, currency from shop_orders")
    source = DatabaseSource(kind="database", url_env="ORDERS_URL", queries={"ad_spend": query})
    database.add(1, amount=10)
    shop.load("ad_spend", source=source)
    for amount in (12, 10, 10):
        database.run("update shop_orders set amount = :amount", amount=amount)
        shop.load("ad_spend", source=source)
    assert shop.values("cost", "ad_spend") == [Decimal(10), Decimal(12), Decimal(10)]
