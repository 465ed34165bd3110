"""Fixtures: fresh ledgers on a clock that tests move. A conftest imports those that its folder uses.

Belongs here: where a ledger lies and what time it has. Does not belong here: what is sent from it (`lines`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from tests.delivery.lines import Clock

__all__ = ["any_ledger", "clock", "empty_url", "ledger", "sqlite_url"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Where a ledger file can be made."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Where a ledger can be made, on each engine in turn."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_database"))


@pytest.fixture
def ledger(sqlite_url: str, clock: Clock) -> Iterator[Ledger]:
    """Open, empty, on SQLite."""
    create_ledger(sqlite_url, "test", clock=clock)
    with open_ledger(sqlite_url, "test", clock=clock) as opened:
        yield opened


@pytest.fixture
def any_ledger(empty_url: str, clock: Clock) -> Iterator[Ledger]:
    """Open, empty, on each engine in turn."""
    create_ledger(empty_url, "test", clock=clock)
    with open_ledger(empty_url, "test", clock=clock) as opened:
        yield opened
