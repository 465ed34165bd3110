"""One database as the ledger uses it: connections, transactions, the clock, and errors as sentences.

Belongs here: everything in which SQLite and PostgreSQL differ at run time. Does not belong here: statements on the
ledger's tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from postback_pipeline.ledger.errors import LedgerError, LedgerUnavailable

#: How long a statement waits for another writer.
LOCK_SECONDS = 30


class Database:
    """Transactions on one database, its clock, and a name for it that holds no password."""

    def __init__(self, url: str, clock: Callable[[], datetime] | None = None) -> None:
        parsed = parse_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        #: `sqlite:///path` or `postgresql+psycopg2://user:***@host/name`.
        self.name = parsed.render_as_string(hide_password=True)
        self.engine = _sqlite_engine(parsed) if self.sqlite else _postgres_engine(parsed)
        self._clock = clock

    def now(self, connection: Connection) -> datetime:
        """The injected clock if there is one, else the database's own (SQLite's is this machine's). UTC."""
        if self._clock is not None:
            return self._clock()
        if self.sqlite:
            return datetime.now(UTC)
        found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)

    @contextmanager
    def writing(self, *, rehearsal: bool = False) -> Iterator[Connection]:
        """One durable transaction; on SQLite it holds the write lock from its beginning. A rehearsal is rolled back.

        Raises:
            LedgerUnavailable: the database is locked, full, or does not answer; nothing was changed.
        """
        with self._sentences(), self.engine.begin() as connection:
            yield connection
            if rehearsal:
                connection.rollback()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads and blocks no writer."""
        with self._sentences(), self.engine.connect().execution_options(ledger_reads=True) as connection:
            yield connection

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            # Only the first line, and no chain: PostgreSQL's further lines and the statement may quote rows.
            origin = getattr(error, "orig", None)
            cause = str(origin or error).partition("\n")[0].strip()
            if type(origin) is sqlite3.DatabaseError:
                raise LedgerError(f"The ledger at {self.name} is damaged: {cause}. Restore it from a backup.") from None
            raise LedgerUnavailable(f"The ledger at {self.name} could not be used: {cause}.") from None

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def dialect_insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what becomes of rows that are there already (`on_conflict_do_...`)."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def parse_url(url: str) -> URL:
    """The URL of a ledger.

    Raises:
        LedgerError: it names neither a SQLite file nor PostgreSQL through psycopg2.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(
            "The ledger's URL is not a database URL. Write sqlite:///path or postgresql+psycopg2://user:password@host/name."
        ) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if sqlite_file(parsed) is None:
            raise LedgerError("The ledger's URL names no file. A ledger in memory would forget what was sent.")
    elif parsed.drivername != "postgresql+psycopg2":
        raise LedgerError(
            f"The ledger's URL begins with {parsed.drivername}://, which is not supported."
            " Write sqlite:///path or postgresql+psycopg2://user:password@host/name."
        )
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file a SQLite URL names, plain or as `file:` URI; None if it names none."""
    name = url.database or ""
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return None if name in ("", ":memory:") or url.query.get("mode") == "memory" else Path(name)


def _sqlite_engine(url: URL) -> Engine:
    waits = {} if "timeout" in url.query else {"timeout": LOCK_SECONDS}
    engine = create_engine(url, hide_parameters=True, connect_args=waits)

    def connected(connection: Any, _: object) -> None:
        # The driver begins nothing by itself: the hook below does.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")

    def begun(connection: Connection) -> None:
        # A deferred transaction that turns writer later fails at once if another one wrote: no timeout covers it.
        reads = connection.get_execution_options().get("ledger_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


#: A server that is gone without a word is noticed within half a minute, not after the system's two hours. Seconds, and
#: milliseconds for what was sent and is not acknowledged.
_NOTICES_DEAD_LINES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def _postgres_engine(url: URL) -> Engine:
    options = f"-c timezone=UTC -c synchronous_commit=on -c lock_timeout={LOCK_SECONDS}s"
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 10, **_NOTICES_DEAD_LINES},
    )
