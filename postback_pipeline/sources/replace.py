"""Small tables whose whole content is given anew each time: replaced together in one transaction, or left alone.

Belongs here: that one operation. Does not belong here: tables that grow (landing files, the ledger's history).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Rows of one table, all with the same columns: column -> value.
Rows = Sequence[Mapping[str, object]]


def replace_tables(connection: DuckDBPyConnection, tables: Mapping[str, Rows]) -> bool:
    """Makes every table hold exactly the rows given for it. Returns whether anything had to change.

    Columns that the rows do not name become NULL. `connection` must not be in a transaction.
    """
    connection.begin()
    try:
        changed = [_replace(connection, table, rows) for table, rows in tables.items()]
    except BaseException:
        connection.rollback()
        raise
    if any(changed):
        connection.commit()
    else:
        connection.rollback()
    return any(changed)


def _replace(connection: DuckDBPyConnection, table: str, rows: Rows) -> bool:
    # Compared as the table's own types, so that 7 and 7.0 or two spellings of an instant are no change.
    connection.execute(f"create or replace temp table incoming as from {table} limit 0")
    if rows:
        columns = list(rows[0])
        row = f"({', '.join('?' for _ in columns)})"
        connection.execute(
            f"insert into incoming ({', '.join(columns)}) values {', '.join(row for _ in rows)}",
            [each[column] for each in rows for column in columns],
        )
    differing = connection.execute(
        f"select exists ((from incoming except all from {table}) union all (from {table} except all from incoming))"
    ).fetchone()
    if differing == (False,):
        return False
    connection.execute(f"delete from {table}")
    connection.execute(f"insert into {table} from incoming")
    return True
