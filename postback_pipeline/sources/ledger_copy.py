"""The ledger's history -> `raw.ledger_history`, so that dbt can read what was told to whom.

Belongs here: the copy, and noticing that the ledger is not the one that was copied before. Does not belong here: what
the history means (dbt), which ledger may stand beside this warehouse (`build_context.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


class LedgerWentBack(PostbackError):
    """The ledger lacks history that was copied from it before, or tells it differently."""


class History(Protocol):
    """What of a ledger is copied; `Ledger` is one."""

    def history(self, after_seq: int) -> Iterator[Sequence[dict[str, Any]]]:
        """Batches of rows shaped as `raw.ledger_history`, with greater numbers than `after_seq`, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What one copy did; `newest_seq` is 0 for a ledger in which nothing happened yet."""

    rows_read: int
    rows_new: int
    newest_seq: int


#: From where the copy reads: a little before its end, or the first gap near its end if that is earlier. A transaction
#: takes its numbers before it commits, so rows below the newest one may appear later; a gap says where. One that is
#: still there after a day was rolled back.
_START = """
    with cutoff as (select max("at") - interval 1 day as "at" from raw.ledger_history),
    older as (select coalesce(max(seq), 0) as seq from raw.ledger_history where "at" <= (select "at" from cutoff)),
    recent as (
        select seq, coalesce(lag(seq) over (order by seq), (select seq from older)) as before
        from raw.ledger_history where "at" > (select "at" from cutoff)
    )
    select least(max(seq) - $overlap, min(before) filter (where seq > before + 1)) from recent
"""

#: Rows that were copied before these columns came hold nothing there. In a ledger every row has its version.
_FILL = """
    update raw.ledger_history as copied
    set definition_version = incoming.definition_version, exchange_rate = incoming.exchange_rate
    from incoming
    where copied.seq = incoming.seq and copied.definition_version is null
"""

#: The first row before the start that has to be filled, where the ledger tells with what.
_UNFILLED = """
    select min(seq) from raw.ledger_history
    where seq <= $start and definition_version is null
    and exists (from incoming where definition_version is not null)
"""

_MISSING = """
    select min(seq)
    from raw.ledger_history anti join incoming using (seq)
    where seq > $start
"""

_DIFFERENT = """
    select min(seq)
    from (from incoming semi join raw.ledger_history using (seq) except from raw.ledger_history)
"""

_NEW = "insert into raw.ledger_history by name from incoming anti join raw.ledger_history using (seq)"


def copy_ledger_history(connection: DuckDBPyConnection, ledger: History, *, overlap: int = 1_000) -> CopyReport:
    """Adds what is new in the ledger's history to its copy, in one transaction; the copy never shrinks.

    The last `overlap` rows and everything since a recent gap are read again and must be what they were. Once, after an
    upgrade, everything is read again, to fill the columns that the copy did not have before.

    Raises:
        LedgerWentBack: rows of the copy are missing in the ledger or differ there, as after restoring an old backup.
    """
    connection.begin()
    try:
        report = _copy(connection, ledger, overlap)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return report


def _copy(connection: DuckDBPyConnection, ledger: History, overlap: int) -> CopyReport:
    start = max(0, _number(connection, _START, overlap=overlap))
    rows_read = _read(connection, ledger, start)
    if unfilled := _number(connection, _UNFILLED, start=start):
        start = unfilled - 1
        rows_read = _read(connection, ledger, start)
    connection.execute(_FILL)
    missing, different = _number(connection, _MISSING, start=start), _number(connection, _DIFFERENT)
    if missing or different:
        raise LedgerWentBack(
            f"The warehouse holds a copy of the ledger's history, and row {missing or different} of it"
            f" {'is no longer in' if missing else 'differs from'} the ledger: it seems to have been restored from an"
            " older backup. Nothing was copied or enqueued, since the ledger may have forgotten what was sent. Restore"
            " the newest ledger; or, where there is none, import what `raw.ledger_history` says was accepted with"
            " `postback ledger import`, and delete the warehouse file."
        )
    rows_new = _number(connection, _NEW)
    newest = _number(connection, "select max(seq) from raw.ledger_history")
    return CopyReport(rows_read, rows_new, newest)


def _read(connection: DuckDBPyConnection, ledger: History, start: int) -> int:
    """Rows with greater numbers than `start` into table `incoming`; how many there are."""
    connection.execute("create or replace temp table incoming as from raw.ledger_history limit 0")
    rows_read = 0
    for rows in ledger.history(start):
        rows_read += len(rows)
        connection.register("ledger_rows", _table(rows))
        connection.execute("insert into incoming by name from ledger_rows")
        connection.unregister("ledger_rows")
    return rows_read


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    # By declared types: a batch in which a column is empty throughout has none of its own.
    import pyarrow as pa

    instant, amount, rate = pa.timestamp("us", tz="UTC"), pa.decimal128(18, 4), pa.decimal128(28, 12)
    types = {
        **dict.fromkeys(("at", "event_time", "action_at"), instant),
        **dict.fromkeys(("value", "previous_value"), amount),
        "exchange_rate": rate,
        **dict.fromkeys(("seq", "postback_id", "revision", "attempt", "http_status"), pa.int64()),
    }
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})


def _number(connection: DuckDBPyConnection, query: str, **values: int) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0] or 0) if row else 0
