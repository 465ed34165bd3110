"""Whether two tables of the warehouse hold the same rows.

Belongs here: comparing, and saying how they differ. Does not belong here: making either of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from postback_pipeline.sources.sql import one_row

#: When and in which file a row came: a full build and an incremental one may have taken another copy of the same facts.
ARRIVAL_COLUMNS = ("record_seen", "record_row", "identity_seen", "identity_row", "changed_at", "touched_at")


class RowsDiffer(Exception):
    """The tables differ; the text says in how many rows, and shows one of each side."""


def compare(connection: duckdb.DuckDBPyConnection, left: str, right: str, columns: Sequence[str]) -> int:
    """The number of rows in both.

    Raises:
        RowsDiffer: a row is in one of them only, or more often than in the other.
    """
    listed = ", ".join(f'"{column}"' for column in columns)
    differences = []
    for here, there in ((left, right), (right, left)):
        rows = connection.execute(
            f"select {listed} from {here} except all select {listed} from {there} order by all"
        ).fetchall()
        if rows:
            differences.append(f"{len(rows):,} rows are in {here} only, such as {rows[0]}.")
    (count,) = one_row(connection, f"select count(*) from {left}")
    if differences:
        raise RowsDiffer(
            f"{left} ({count:,} rows) and {right} differ: {' '.join(differences)} Compared were {', '.join(columns)}."
        )
    return int(count)


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Its columns, without those that tell of arrival."""
    described = connection.execute(f"select * from {table} limit 0").description or []
    return [column for column, *_ in described if column not in ARRIVAL_COLUMNS]
