"""The numbers that loads are given, in the order in which they happened.

Belongs here: handing them out. Does not belong here: what is written with them.

Whoever asks for rows with a greater number than a mark must miss none: a number is greater than every one that was
ever written down, whatever was deleted since.
"""

from __future__ import annotations

import duckdb

from postback_pipeline.sources.sql import one_row


def last_seen(connection: duckdb.DuckDBPyConnection) -> int:
    """The highest number that was handed out so far; 0 before the first."""
    (seen,) = one_row(
        connection,
        "select coalesce(max(seen), 0) from (select seen from raw.files union all select seen from raw.removed"
        " union all select seen from raw.build_marks)",
    )
    return int(seen)


def next_seen(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the file or read that is being loaded now: greater than every one before.

    Ask before anything is let go, in the transaction that writes it down.
    """
    return last_seen(connection) + 1
