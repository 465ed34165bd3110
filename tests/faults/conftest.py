"""Fresh ledgers for faults, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from tests.delivery.lines import Clock


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger can be made, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Where a ledger file can be made."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def any_ledger(empty_url: str, clock: Clock) -> Iterator[Ledger]:
    """Open, empty, on each engine in turn."""
    create_ledger(empty_url, "test", clock=clock)
    with open_ledger(empty_url, "test", clock=clock) as opened:
        yield opened


@pytest.fixture
def ledger(sqlite_url: str, clock: Clock) -> Iterator[Ledger]:
    """Open, empty, on SQLite."""
    create_ledger(sqlite_url, "test", clock=clock)
    with open_ledger(sqlite_url, "test", clock=clock) as opened:
        yield opened
