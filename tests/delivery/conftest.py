"""Fresh ledgers on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from tests.delivery.lines import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """On SQLite."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    create_ledger(url, "test", clock=clock)
    with open_ledger(url, "test", clock=clock) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def any_ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """On each engine in turn."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_database")
    create_ledger(url, "test", clock=clock)
    with open_ledger(url, "test", clock=clock) as opened:
        yield opened
