"""Fixtures that more than one folder of tests uses: a real PostgreSQL and fresh databases on it, a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from benchmarks.postgres import execute, fresh_database
from benchmarks.postgres import postgres_server as own_server
from tests.browser.opening import opened

# The machines that run this are small and shared: how long an example takes says nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of database `postgres` on a server of this test process; stopped and deleted at the end."""
    with own_server() as server:
        # What it stores lives as long as the tests: nothing is lost by not syncing it.
        execute(server.url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server.url


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """`postgresql+psycopg2://` URL of a fresh, empty database; dropped afterwards."""
    with fresh_database(postgres_server, f"test_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
def second_postgres_database(postgres_server: str) -> Iterator[str]:
    """Another one beside `postgres_database`."""
    with fresh_database(postgres_server, f"test_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A headless Chromium of this test's own, which reaches this machine only and keeps nothing outside `tmp_path`.

    One for each test: as long as Playwright is open, its event loop runs in this thread, and no other may.

    Raises:
        NoChromium: there is none.
    """
    with opened(tmp_path / "home") as found:
        yield found
