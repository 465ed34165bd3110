"""Tables of the warehouse that Python computes, replaced whole.

Belongs here: replacing them together or not at all. Does not belong here: any table's columns or rows (who computes
them has both), what dbt computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Sequence[object]


def replace_tables(connection: DuckDBPyConnection, tables: Mapping[str, tuple[str, Sequence[Row]]]) -> None:
    """Replaces these tables in one transaction.

    Args:
        connection: not in a transaction.
        tables: name -> its `create or replace table` statement, and its rows in the order of the columns.
    """
    connection.begin()
    try:
        for table, (create, rows) in tables.items():
            connection.execute(create)
            _fill(connection, table, rows)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _fill(connection: DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    import pandas as pd

    if rows:
        columns = [column for column, *_ in connection.execute(f"describe {table}").fetchall()]
        # Two names are ours, no value is in the text. DuckDB reads the frame by its name.
        connection.register("found_rows", pd.DataFrame(rows, columns=columns))
        connection.execute(f"insert into {table} by name from found_rows")
        connection.unregister("found_rows")
