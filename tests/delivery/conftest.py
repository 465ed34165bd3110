"""Fresh ledgers on a clock that tests move, and event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from tests.delivery.lines import Clock
from tests.delivery.raw_server import OnLoop

_T = TypeVar("_T")
_LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


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


@pytest.fixture(params=_LOOPS)
def on_loop(request: pytest.FixtureRequest) -> OnLoop:
    """Runs a coroutine on each kind of event loop in turn."""

    def run(main: Coroutine[Any, Any, _T]) -> _T:
        with asyncio.Runner(loop_factory=_LOOPS[request.param]) as runner:
            return runner.run(main)

    return run
