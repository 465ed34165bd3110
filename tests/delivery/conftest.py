"""Fresh ledgers on a clock that tests move, and event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
import uvloop

from tests.delivery.ledgers import any_ledger, clock, empty_url, ledger, sqlite_url
from tests.delivery.raw_server import OnLoop

__all__ = ["any_ledger", "clock", "empty_url", "ledger", "on_loop", "sqlite_url"]

_T = TypeVar("_T")
_LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=_LOOPS)
def on_loop(request: pytest.FixtureRequest) -> OnLoop:
    """Runs a coroutine on each kind of event loop in turn."""

    def run(main: Coroutine[Any, Any, _T]) -> _T:
        with asyncio.Runner(loop_factory=_LOOPS[request.param]) as runner:
            return runner.run(main)

    return run
