"""Writing many new postbacks at once: the one statement whose cost per row decides how fast a warehouse is enqueued.

Belongs here: the table's rows -> the driver, by each database's fastest way (a prepared statement on SQLite, COPY on
PostgreSQL). Does not belong here: what is in a row (`plans`), the history that follows (`moves`).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.plans import COLUMNS, TableRow

#: Rows that are handed to PostgreSQL at a time.
ROWS_PER_COPY = 2_000

_NAMES = ", ".join(COLUMNS)
_INSERT = f"INSERT INTO postbacks ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
#: COPY's own format; what stands for NULL cannot be written plainly, only escaped.
_NULL = "\x02"
_COPY = f"COPY postbacks ({_NAMES}) FROM STDIN (FORMAT text, NULL E'\\x02')"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", _NULL: "\\x02"})


def insert_postbacks(connection: Connection, rows: Sequence[TableRow]) -> None:
    """Writes new revisions; the caller holds the destination and knows that they are new."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT, list(rows))
    else:
        _copy(connection, rows)


def _copy(connection: Connection, rows: Sequence[TableRow]) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    for chunk in chunks(rows, ROWS_PER_COPY):
        lines = StringIO("".join(map(_line, chunk)))
        try:
            with driver.cursor() as cursor:
                cursor.copy_expert(_COPY, lines)
        except driver.Error as error:
            # As SQLAlchemy raises what its own statements meet.
            raise DBAPIError("COPY postbacks", None, error) from None


def _line(row: TableRow) -> str:
    line = "\t".join([_NULL if value is None else str(value) for value in row])
    plain = line.count("\t") < len(row) and line.count(_NULL) == row.count(None)
    if not plain or "\\" in line or "\n" in line or "\r" in line:
        line = "\t".join([_NULL if value is None else str(value).translate(_ESCAPES) for value in row])
    return line + "\n"
