"""Tables that Python computes are replaced together or not at all, and hold null for what is not known."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from postback_pipeline.defs.tables import replace_tables

FIRST = "create or replace table first (name varchar, number double, count bigint, seen_at timestamptz)"
SECOND = "create or replace table second (name varchar, number double)"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_is_not_known_is_null() -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = [("a", 1.5, 2, NOON), (None, None, None, None)]
        replace_tables(connection, {"first": (FIRST, rows), "second": (SECOND, [("b", None)])})
        assert connection.execute("from first where seen_at = ?", [NOON]).fetchone() == ("a", 1.5, 2, NOON)
        assert connection.execute("select count(*) from first where columns(*) is null").fetchone() == (1,)
        assert connection.execute("select number is null from second").fetchone() == (True,)


def test_where_one_fails_all_are_as_they_were() -> None:
    with duckdb.connect() as connection:
        replace_tables(connection, {"first": (FIRST, [("a", 1.5, 2, NOON)]), "second": (SECOND, [])})
        with pytest.raises(duckdb.Error):
            replace_tables(connection, {"first": (FIRST, []), "second": (SECOND, [("b", "no number")])})
        assert connection.execute("select name from first").fetchall() == [("a",)]
        replace_tables(connection, {"first": (FIRST, [])})
        assert connection.execute("from first").fetchall() == []
