"""Quoting for the SQL that loading generates, and answers of exactly one row. Nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """String literals between commas."""
    return ", ".join(literal(text) for text in texts)


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def one_row(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...]:
    """The answer of a query that always gives one row, such as an aggregate."""
    row = connection.execute(sql, values).fetchone()
    if row is None:
        raise LookupError("a query that always gives one row gave none")
    return row
