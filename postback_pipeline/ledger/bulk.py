"""Writing many new postbacks at once: the one statement whose cost per row decides how fast a warehouse is enqueued.

Belongs here: the table's rows -> the driver, by each database's fastest way (a prepared statement on SQLite, COPY on
PostgreSQL). Does not belong here: what is in a row (`plans`), the history that follows (`moves`).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.plans import POSTBACK_COLUMNS, STANDING_COLUMNS, TableRow, Written
from postback_pipeline.ledger.schema import postbacks

#: Rows that are handed to PostgreSQL at a time.
ROWS_PER_COPY = 2_000

_TABLES = {"postbacks": ("id", *POSTBACK_COLUMNS), "standings": ("id", *STANDING_COLUMNS)}
_INSERTS = {
    table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    for table, names in _TABLES.items()
}
#: COPY's own format; what stands for NULL cannot be written plainly, only escaped.
_NULL = "\x02"
_COPIES = {
    table: f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT text, NULL E'\\x02')"
    for table, names in _TABLES.items()
}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", _NULL: "\\x02"})


def insert_postbacks(connection: Connection, rows: Sequence[Written]) -> None:
    """Writes new revisions; the caller holds the destination and knows that they are new."""
    if not rows:
        return
    ids = _new_ids(connection, len(rows))
    for table, values in (
        ("postbacks", [(own, *row.postback) for own, row in zip(ids, rows, strict=True)]),
        ("standings", [(own, *row.standing) for own, row in zip(ids, rows, strict=True)]),
    ):
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(_INSERTS[table], values)
        else:
            _copy(connection, table, values)


def _new_ids(connection: Connection, count: int) -> Sequence[int]:
    """Ids of nobody's, in ascending order; SQLite's are the next ones, under its one write lock."""
    if connection.dialect.name == "sqlite":
        last: int = connection.execute(select(func.max(postbacks.c.id))).scalar_one() or 0
        return range(last + 1, last + 1 + count)
    numbers = func.nextval(func.pg_get_serial_sequence("postbacks", "id"))
    return list(connection.execute(select(numbers).select_from(func.generate_series(1, count))).scalars())


def _copy(connection: Connection, table: str, rows: Sequence[TableRow]) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    for chunk in chunks(rows, ROWS_PER_COPY):
        lines = StringIO("".join(map(_line, chunk)))
        try:
            with driver.cursor() as cursor:
                cursor.copy_expert(_COPIES[table], lines)
        except driver.Error as error:
            # As SQLAlchemy raises what its own statements meet.
            raise DBAPIError(f"COPY {table}", None, error) from None


def _line(row: TableRow) -> str:
    line = "\t".join([_NULL if value is None else str(value) for value in row])
    plain = line.count("\t") < len(row) and line.count(_NULL) == row.count(None)
    if not plain or "\\" in line or "\n" in line or "\r" in line:
        line = "\t".join([_NULL if value is None else str(value).translate(_ESCAPES) for value in row])
    return line + "\n"
