"""How a ledger comes into being, is brought to a newer schema, and is opened.

Belongs here: the checks between a URL and a usable ledger, each with its own sentence. Does not belong here: what a
ledger does once it is open.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from postback_pipeline.ledger.database import Database, parse_url, sqlite_file
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.ledger import Ledger
from postback_pipeline.ledger.mark import Mark
from postback_pipeline.ledger.schema import SCHEMA_VERSION, VERSION_TABLE, ledger_identity, metadata
from postback_pipeline.ledger.values import LedgerIdentity

SQLITE_HEADER = b"SQLite format 3\x00"


def create_ledger(url: str, environment: str, *, clock: Callable[[], datetime] | None = None) -> LedgerIdentity:
    """Makes a new ledger; the only way one comes into being.

    Args:
        url: `sqlite:///path` (folders are made) or `postgresql+psycopg2://...` (the database must exist).
        environment: the settings' environment; the ledger refuses to be opened for another one.
        clock: for tests; its time is the ledger's creation.

    Raises:
        LedgerError: there is a ledger already, or the file is something else.
    """
    database = Database(url, clock)
    file = sqlite_file(parse_url(url)) if database.sqlite else None
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        with database.writing() as connection:
            _one_at_a_time(connection, database)
            _refuse_to_overwrite(connection, database)
            _migrate(connection)
            identity = LedgerIdentity(str(uuid.uuid4()), environment, database.now(connection))
            connection.execute(
                ledger_identity.insert().values(
                    ledger_id=identity.ledger_id, environment=environment, created_at=identity.created_at
                )
            )
        if file is not None:
            _write_ahead(file)
        return identity
    finally:
        database.close()


def upgrade_ledger(url: str, environment: str) -> LedgerIdentity:
    """Brings an existing ledger of any released schema to this program's; does nothing to one that is there already.

    One transaction: it keeps every row, and either arrives whole or changes nothing.

    Raises:
        LedgerError: as `open_ledger`, save for an older schema.
    """
    database = _existing(url)
    try:
        with database.writing() as connection:
            _one_at_a_time(connection, database)
            version = _version(connection, database)
            _refuse_newer(version, database)
            if version != SCHEMA_VERSION:
                _migrate(connection)
            return _identity(connection, database, environment)
    finally:
        database.close()


def open_ledger(
    url: str, environment: str, *, mark: Path | None = None, clock: Callable[[], datetime] | None = None
) -> Ledger:
    """Opens an existing ledger.

    Args:
        url: as for `create_ledger`.
        environment: must be the one it was created for.
        mark: the deployment's file that says how far it has seen its ledger (`settings.ledger_mark_path`). Whoever
            sends or enqueues names it; it is made if it is missing.
        clock: for tests; otherwise PostgreSQL's clock, or this machine's for SQLite.

    Raises:
        LedgerError: it is missing, unreadable, not a ledger, of another environment, older or newer than this
            program, or cannot be written to, or the mark says that it is not the newest. The sentence says which and
            what to do.
    """
    database = _existing(url, clock)
    try:
        with database.reading() as connection:
            version = _version(connection, database)
            _refuse_newer(version, database)
            if version < SCHEMA_VERSION:
                raise LedgerError(
                    f"The ledger at {database.name} has schema {version}, this program needs {SCHEMA_VERSION}."
                    " Run: postback ledger init --upgrade"
                )
            identity = _identity(connection, database, environment)
            _require_writable(connection, database)
            if mark is None:
                return Ledger(database, identity)
            watched = Mark(mark, identity.ledger_id)
            objection = watched.objection(connection)
            if objection is not None:
                raise LedgerError(objection)
            watched.set(connection)
            return Ledger(database, identity, watched)
    except BaseException:
        database.close()
        raise


def _existing(url: str, clock: Callable[[], datetime] | None = None) -> Database:
    parsed = parse_url(url)
    file = sqlite_file(parsed) if parsed.get_backend_name() == "sqlite" else None
    if file is not None:
        _require_file(file, read_only=parsed.query.get("mode") == "ro")
    return Database(url, clock)


def _require_file(file: Path, *, read_only: bool) -> None:
    if not file.exists():
        raise LedgerError(
            f"There is no ledger at {file}. If none was ever made, run: postback ledger init."
            " If there was one, restore it first: a new one would not know what was sent."
        )
    effective = os.access in os.supports_effective_ids
    if not file.is_file() or not os.access(file, os.R_OK, effective_ids=effective):
        raise LedgerError(f"{file} cannot be read as a ledger. Check that it is a file and who may read it.")
    with file.open("rb") as opened:
        if opened.read(len(SQLITE_HEADER)) != SQLITE_HEADER:
            raise LedgerError(f"{file} is not a SQLite file, so it is no ledger or it is damaged. Restore the ledger.")
    # SQLite keeps two more files beside this one while it is open.
    if read_only or not all(os.access(path, os.W_OK, effective_ids=effective) for path in (file, file.parent)):
        raise LedgerError(f"{file} or its folder is read-only. The ledger must be writable, or nothing can be sent.")


def _require_writable(connection: Connection, database: Database) -> None:
    """For PostgreSQL what `_require_file` is for SQLite: a standby, a read-only database or user would stop later."""
    if database.sqlite:
        return
    writable: bool = connection.execute(
        text(
            "SELECT current_setting('transaction_read_only') = 'off'"
            " AND has_table_privilege('history', 'INSERT') AND has_table_privilege('standings', 'UPDATE')"
        )
    ).scalar_one()
    if not writable:
        raise LedgerError(
            f"The ledger at {database.name} is read-only: a standby, or a user who may not write. The ledger must be"
            " writable, or nothing can be sent."
        )


def _write_ahead(file: Path) -> None:
    """Lets readers and one writer work side by side; it stays so in the file."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _refuse_to_overwrite(connection: Connection, database: Database) -> None:
    found = set(inspect(connection).get_table_names())
    if VERSION_TABLE in found:
        existing = connection.execute(select(ledger_identity)).one()
        raise LedgerError(
            f"There is a ledger at {database.name} already: {existing.ledger_id} of environment"
            f" {existing.environment}. Nothing was changed."
        )
    taken = sorted(found if database.sqlite else found & set(metadata.tables))
    if taken:
        raise LedgerError(
            f"{database.name} holds other tables ({', '.join(taken[:5])}), so no ledger was made there."
            " Name another file or database."
        )


def _one_at_a_time(connection: Connection, database: Database) -> None:
    """Of two creators or upgraders at once, the second finds what the first one made."""
    # SQLite's own write lock, held from the beginning, does the same.
    if not database.sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(7266001)"))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection, database: Database) -> str:
    if not inspect(connection).has_table(VERSION_TABLE):
        raise LedgerError(
            f"There is no ledger at {database.name}: it is another database. Check the settings' ledger,"
            " or, if none was ever made, run: postback ledger init"
        )
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608


def _refuse_newer(version: str, database: Database) -> None:
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"The ledger at {database.name} has schema {version}, this program knows {SCHEMA_VERSION}."
            " Use the newer program that wrote it."
        )


def _identity(connection: Connection, database: Database, environment: str) -> LedgerIdentity:
    found = connection.execute(select(ledger_identity)).one()
    if found.environment != environment:
        raise LedgerError(
            f"The ledger at {database.name} belongs to environment {found.environment}, the settings say {environment}."
            " Check the settings' environment and ledger."
        )
    return LedgerIdentity(found.ledger_id, found.environment, found.created_at)
