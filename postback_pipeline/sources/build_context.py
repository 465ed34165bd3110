"""What one build is told, what it leaves behind, and the ledger that it belongs to.

Belongs here: the small tables that tie a warehouse to its builds (`raw.build_context` before the models run,
`raw.build_marks` and `raw.built_rules` after) and to a ledger. Does not belong here: opening the ledger, which finds
out by itself whether it is missing or of another environment.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING

from postback_pipeline.model import PostbackError
from postback_pipeline.sources.held import transaction
from postback_pipeline.sources.replace import replace_tables
from postback_pipeline.sources.seen import last_seen
from postback_pipeline.sources.sql import one_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from postback_pipeline.ledger import LedgerIdentity


class ForeignLedger(PostbackError):
    """The warehouse was built beside another ledger than the one that is configured."""


def write_build_context(
    connection: DuckDBPyConnection, *, as_of: datetime, window: tuple[date, date] | None, run_id: str
) -> None:
    """Writes the one row: `as_of` (UTC), the days of the window (both included; None: everything) and the run.

    `previous_as_of` is the `as_of` of the last build whose models all succeeded (`mark_built`); null if there is none.
    """
    mark = connection.execute("select as_of from raw.build_marks").fetchone()
    start, end = window or (None, None)
    row = {
        "as_of": as_of,
        "window_start": start,
        "window_end": end,
        "previous_as_of": mark[0] if mark else None,
        "run_id": run_id,
    }
    replace_tables(connection, {"raw.build_context": [row]})


def begin_build(connection: DuckDBPyConnection, *, models: str, staying: Collection[str]) -> bool:
    """Whether the models may compute what changed only; else they have to compute everything anew.

    They may where the last build succeeded with the same `models` and every one of the `staying` tables
    (`schema.table`) is still there. Until `mark_built` the warehouse counts as half-built: a build that fails, is
    killed, or ran only some of the models is followed by one that computes everything.
    """
    tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    mark = connection.execute("select models from raw.build_marks").fetchone()
    connection.execute("update raw.build_marks set models = ''")
    return mark == (models,) and {table for (table,) in tables}.issuperset(staying)


def mark_built(connection: DuckDBPyConnection, *, models: str) -> None:
    """Writes down how far the build that just succeeded has seen: the next one only looks at what came after.

    `models` says which models built it; a reader that finds another one there has to build everything anew. The moment
    is the one in `raw.build_context`, and what the mark counts as seen is everything that is loaded now: nothing may
    be loaded, copied or told between the start of the models and this. `connection` must not be in a transaction.

    Raises:
        LookupError: no build was told its moment.
        duckdb.CatalogException: there is no `intermediate.int_event_rules`.
    """
    with transaction(connection):
        as_of, ledger_seq = one_row(
            connection,
            "select as_of, (select coalesce(max(seq), 0) from raw.ledger_history) from raw.build_context",
        )
        seen = last_seen(connection)
        connection.execute("delete from raw.build_marks")
        connection.execute(
            "insert into raw.build_marks (as_of, seen, ledger_seq, models) values (?, ?, ?, ?)",
            [as_of, seen, ledger_seq, models],
        )
        # What was let go before this was looked at by this build.
        connection.execute("delete from raw.removed where seen <= ?", [seen])
        connection.execute("delete from raw.built_rules")
        connection.execute(
            "insert into raw.built_rules by name select event_name, fingerprint from intermediate.int_event_rules"
        )


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
