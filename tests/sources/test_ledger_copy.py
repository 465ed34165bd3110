"""The ledger's history in the warehouse: complete, never less, and never of another past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postback_pipeline.sources.ledger_copy import CopyReport, LedgerWentBack, copy_ledger_history
from postback_pipeline.sources.warehouse import create_raw_tables

START = datetime(2026, 1, 1, tzinfo=UTC)


class Written:
    """A history as a list, handed out in batches of three."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.asked: list[int] = []

    def history(self, after_seq: int) -> Iterator[Sequence[dict[str, Any]]]:
        """The rows after a number."""
        self.asked.append(after_seq)
        found = sorted((row for row in self.rows if row["seq"] > after_seq), key=lambda row: int(row["seq"]))
        for first in range(0, len(found), 3):
            yield found[first : first + 3]


def change(seq: int, **other: object) -> dict[str, Any]:
    """One row of a history, a minute after the one before."""
    return {
        "seq": seq,
        "at": START + timedelta(minutes=seq),
        "postback_id": seq,
        "destination": "meta",
        "conversion_key": f"purchase:{seq}",
        "event_name": "purchase",
        "revision": 1,
        "kind": "conversion",
        "value": Decimal("10.50"),
        "previous_value": None,
        "currency": "GBP",
        "fingerprint": "10.50 GBP",
        "transaction_id": str(seq),
        "click_id": None,
        "event_time": START,
        "action_at": START,
        "from_state": None,
        "to_state": "pending",
        "attempt": None,
        "outcome": None,
        "phase": None,
        "http_status": None,
        "reason": None,
        "actor": "enqueue",
        "definition_version": "v1",
        "exchange_rate": None,
    } | other


def changes(*numbers: int) -> list[dict[str, Any]]:
    """Rows with these numbers."""
    return [change(seq) for seq in numbers]


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """An empty warehouse with its raw tables."""
    return empty_warehouse()


def empty_warehouse() -> duckdb.DuckDBPyConnection:
    """One that a property can make for each example."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    create_raw_tables(connection)
    return connection


def copied(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """The numbers of the rows in the copy."""
    return [row[0] for row in connection.execute("select seq from raw.ledger_history order by seq").fetchall()]


def test_every_column_arrives_as_it_was(warehouse: duckdb.DuckDBPyConnection) -> None:
    full = change(
        1,
        previous_value=Decimal("12.3456"),
        click_id="clk",
        from_state="sending",
        to_state="accepted",
        attempt=2,
        outcome="accepted",
        phase="done",
        http_status=200,
        reason="HTTP 200",
        exchange_rate=Decimal("0.851234567891"),
        at=START + timedelta(microseconds=123456),
    )

    copy_ledger_history(warehouse, Written([full]))

    result = warehouse.execute("select * from raw.ledger_history")
    columns = [column[0] for column in result.description]
    assert [dict(zip(columns, row, strict=True)) for row in result.fetchall()] == [full]


def test_an_empty_ledger_gives_an_empty_copy(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert copy_ledger_history(warehouse, Written([])) == CopyReport(rows_read=0, rows_new=0, newest_seq=0)


def test_a_second_copy_reads_the_overlap_and_adds_what_is_new(warehouse: duckdb.DuckDBPyConnection) -> None:
    ledger = Written(changes(*range(1, 11)))
    copy_ledger_history(warehouse, ledger, overlap=4)
    ledger.rows += changes(11, 12)

    report = copy_ledger_history(warehouse, ledger, overlap=4)

    assert ledger.asked == [0, 6]
    assert report == CopyReport(rows_read=6, rows_new=2, newest_seq=12)
    assert copied(warehouse) == list(range(1, 13))


def test_rows_that_committed_late_within_the_overlap_are_found(warehouse: duckdb.DuckDBPyConnection) -> None:
    ledger = Written(changes(1, 2, 5))
    copy_ledger_history(warehouse, ledger)
    ledger.rows += changes(3, 4)

    assert copy_ledger_history(warehouse, ledger).rows_new == 2
    assert copied(warehouse) == [1, 2, 3, 4, 5]


def test_a_large_transaction_that_committed_late_is_found_beyond_the_overlap(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    ledger = Written(changes(*range(1, 6), *range(50, 60)))
    copy_ledger_history(warehouse, ledger, overlap=2)
    ledger.rows += changes(*range(6, 50))

    assert copy_ledger_history(warehouse, ledger, overlap=2).rows_new == 44
    assert copied(warehouse) == list(range(1, 60))


def test_a_gap_below_a_quiet_time_is_found_too(warehouse: duckdb.DuckDBPyConnection) -> None:
    later = START + timedelta(days=30)
    ledger = Written([*changes(1, 2), change(8, at=later), change(9, at=later)])
    copy_ledger_history(warehouse, ledger, overlap=1)
    ledger.rows += [change(7, at=later)]

    assert copy_ledger_history(warehouse, ledger, overlap=1).rows_new == 1


def test_a_gap_of_long_ago_was_rolled_back_and_is_not_read_again(warehouse: duckdb.DuckDBPyConnection) -> None:
    later = START + timedelta(days=30)
    ledger = Written([*changes(1, 2, 8, 9), *(change(seq, at=later) for seq in range(10, 20))])
    copy_ledger_history(warehouse, ledger, overlap=3)

    copy_ledger_history(warehouse, ledger, overlap=3)

    assert ledger.asked == [0, 16]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(changes(*range(1, 8)), "row 8 of it is no longer in the ledger", id="shorter"),
        pytest.param([], "row 6 of it is no longer in the ledger", id="empty"),
        pytest.param(
            [*changes(*range(1, 8)), *(change(seq, to_state="rejected") for seq in range(8, 12))],
            "row 8 of it differs from the ledger",
            id="grown again since",
        ),
        pytest.param(
            [*changes(*range(1, 10)), change(10, reason="another")], "row 10 of it differs", id="null became a value"
        ),
    ],
)
def test_a_ledger_restored_from_an_older_backup_is_refused_and_the_copy_stays(
    warehouse: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], said: str
) -> None:
    copy_ledger_history(warehouse, Written(changes(*range(1, 11))))

    with pytest.raises(LedgerWentBack, match=said):
        copy_ledger_history(warehouse, Written(rows), overlap=5)

    assert copied(warehouse) == list(range(1, 11))
    assert warehouse.execute("select distinct to_state from raw.ledger_history").fetchall() == [("pending",)]


def test_a_copy_that_breaks_off_adds_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    class Breaking(Written):
        def history(self, after_seq: int) -> Iterator[Sequence[dict[str, Any]]]:
            yield changes(1, 2)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        copy_ledger_history(warehouse, Breaking([]))

    assert copied(warehouse) == []
    assert copy_ledger_history(warehouse, Written(changes(1, 2))).rows_new == 2


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(min_value=1, max_value=40), unique=True).flatmap(st.permutations),
    st.lists(st.integers(min_value=0, max_value=10), max_size=6),
)
def test_whatever_order_rows_commit_in_the_copy_ends_equal_to_the_ledger(order: list[int], steps: list[int]) -> None:
    """Commits in any order, copies at any moments between them."""
    warehouse, ledger, done = empty_warehouse(), Written([]), 0
    for step in steps:
        done += step
        ledger.rows = changes(*order[:done])
        copy_ledger_history(warehouse, ledger, overlap=2)
    ledger.rows = changes(*order)

    copy_ledger_history(warehouse, ledger, overlap=2)

    assert copied(warehouse) == sorted(order)
    warehouse.close()
