"""Opens the DuckDB warehouse and creates its raw tables.

Belongs here: the connection, and bringing schema `raw` into shape. Does not belong here: which tables there are
(`raw_tables.py`), anything that fills one, and any retry (pool `warehouse` keeps two steps from opening the file at
once).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from postback_pipeline.sources.raw_tables import RAW_TABLES


@contextmanager
def open_warehouse(path: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse at `path`, whose session speaks UTC; closed at the end.

    Creates the folder of a file that is to be written.

    Raises:
        duckdb.IOException: another process has the file open, or (read only) there is no such file.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(path, read_only=read_only)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates schema `raw` and whichever of its tables and columns are not there yet."""
    connection.execute("create schema if not exists raw")
    rows = connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    for table, columns in RAW_TABLES.items():
        if table not in found:
            body = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table raw.{table} ({body})")
            continue
        for column in (column for column in columns if column not in found[table]):
            connection.execute(f'alter table raw.{table} add column "{column}" {columns[column]}')
