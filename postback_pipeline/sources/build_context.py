"""What one build is told: its moment and window (`raw.build_context`), and the ledger that it belongs to.

Belongs here: the two one-row tables that tie a warehouse to a run and to a ledger. Does not belong here: opening the
ledger, which finds out by itself whether it is missing or of another environment.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from postback_pipeline.model import PostbackError
from postback_pipeline.sources.replace import replace_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from postback_pipeline.ledger import LedgerIdentity


class ForeignLedger(PostbackError):
    """The warehouse was built beside another ledger than the one that is configured."""


def write_build_context(
    connection: DuckDBPyConnection, *, as_of: datetime, window: tuple[date, date] | None, run_id: str
) -> None:
    """Writes the one row: `as_of` (UTC), the days of the window (both included; None: everything) and the run.

    `previous_as_of` is the `as_of` of the build before; a repetition of the same run keeps the one it had.
    """
    before = connection.execute("select as_of, previous_as_of, run_id from raw.build_context").fetchone()
    previous = None if before is None else before[1] if before[2] == run_id else before[0]
    start, end = window or (None, None)
    row = {
        "as_of": as_of,
        "window_start": start,
        "window_end": end,
        "previous_as_of": previous,
        "run_id": run_id,
    }
    replace_tables(connection, {"raw.build_context": [row]})


def check_ledger_identity(connection: DuckDBPyConnection, identity: LedgerIdentity) -> None:
    """Remembers the ledger in a new warehouse; refuses another one beside an existing warehouse.

    Raises:
        ForeignLedger: the warehouse remembers another ledger, or the same one in another environment.
    """
    if not refuse_foreign_ledger(connection, identity):
        row = {
            "ledger_id": identity.ledger_id,
            "environment": identity.environment,
            "created_at": identity.created_at,
        }
        replace_tables(connection, {"raw.ledger_identity": [row]})


def refuse_foreign_ledger(connection: DuckDBPyConnection, identity: LedgerIdentity) -> bool:
    """Whether the warehouse remembers a ledger: then it is this one. Only reads.

    Raises:
        ForeignLedger: as `check_ledger_identity`.
    """
    remembered = connection.execute("select ledger_id, environment from raw.ledger_identity").fetchone()
    if remembered is not None and remembered != (identity.ledger_id, identity.environment):
        raise ForeignLedger(
            f"The warehouse was built beside ledger {remembered[0]} of environment {remembered[1]},"
            f" but the settings name ledger {identity.ledger_id} of environment {identity.environment}."
            " Nothing was enqueued. Restore the ledger that belongs to this warehouse, or delete the warehouse file"
            " to accept this ledger: the next run then builds everything anew beside it."
        )
    return remembered is not None
