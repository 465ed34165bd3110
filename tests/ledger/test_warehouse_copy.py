"""A real ledger's history in a real warehouse, also in one that copied rows before a column existed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest

from postback_pipeline.sources.ledger_copy import LedgerWentBack, copy_ledger_history
from postback_pipeline.sources.warehouse import create_raw_tables

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop

RATE = Decimal("1.081234567891")


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """An empty one."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    create_raw_tables(connection)
    return connection


def copied(warehouse: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    result = warehouse.execute("select * from raw.ledger_history order by seq")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def forget_new_columns(warehouse: duckdb.DuckDBPyConnection, where: str = "true") -> None:
    """As adding a column leaves the rows that are there."""
    warehouse.execute(f"update raw.ledger_history set definition_version = null, exchange_rate = null where {where}")


def busy(shop: Shop) -> None:
    for number in range(1, 7):
        facts = shop.facts(exchange_rate=RATE if number % 2 else None, definition_version=f"d{number}")
        shop.tell("10.00", f"purchase:{number}", currency="USD", facts=facts)


def test_every_row_arrives_as_the_ledger_tells_it(shop: Shop, warehouse: duckdb.DuckDBPyConnection) -> None:
    busy(shop)
    copy_ledger_history(warehouse, shop.ledger)
    assert copied(warehouse) == shop.history()
    assert {row["exchange_rate"] for row in copied(warehouse)} == {RATE, None}


def test_rows_copied_before_the_columns_existed_are_filled_and_not_taken_for_another_past(
    shop: Shop, warehouse: duckdb.DuckDBPyConnection
) -> None:
    busy(shop)
    copy_ledger_history(warehouse, shop.ledger)
    forget_new_columns(warehouse)
    shop.report("7.00", "purchase:1", currency="USD", facts=shop.facts(exchange_rate=RATE))

    report = copy_ledger_history(warehouse, shop.ledger)

    assert (report.rows_new, copied(warehouse)) == (1, shop.history())


def test_they_are_filled_beyond_the_overlap_and_read_only_once_for_it(
    shop: Shop, warehouse: duckdb.DuckDBPyConnection
) -> None:
    busy(shop)
    copy_ledger_history(warehouse, shop.ledger)
    forget_new_columns(warehouse, "seq > 4")
    rows = len(shop.history())

    assert copy_ledger_history(warehouse, shop.ledger, overlap=2).rows_read == rows - 4
    assert copied(warehouse) == shop.history()
    assert copy_ledger_history(warehouse, shop.ledger, overlap=2).rows_read == 2


def test_an_imported_row_without_a_version_is_no_row_to_fill(shop: Shop, warehouse: duckdb.DuckDBPyConnection) -> None:
    shop.tell("10.00", facts=shop.facts(definition_version=""))
    busy(shop)
    for _ in range(2):
        report = copy_ledger_history(warehouse, shop.ledger, overlap=2)
    assert (report.rows_read, copied(warehouse)[0]["definition_version"]) == (2, "")


@pytest.mark.parametrize(
    "change",
    [
        "value = 11 where seq = 3",
        "to_state = 'rejected' where seq = 3",
        "exchange_rate = 1.2, definition_version = 'd1' where seq = 1",
        "definition_version = 'another' where seq = 1",
    ],
)
def test_another_past_is_noticed_while_rows_are_filled_and_nothing_is(
    shop: Shop, warehouse: duckdb.DuckDBPyConnection, change: str
) -> None:
    busy(shop)
    copy_ledger_history(warehouse, shop.ledger)
    forget_new_columns(warehouse)
    warehouse.execute(f"update raw.ledger_history set {change}")
    before = copied(warehouse)

    with pytest.raises(LedgerWentBack, match=f"row {change[-1]} of it differs"):
        copy_ledger_history(warehouse, shop.ledger)

    assert copied(warehouse) == before
