"""A worker in a process of its own, for faults that only a process can have.

Belongs here: what such a process does. Does not belong here: starting, stopping and killing it (`processes`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.crash_points import Death, MortalLedger, Point
from benchmarks.crash_transport import MortalTransport
from benchmarks.crash_worker import SharedClock
from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.ledger import Ledger, LedgerUnavailable, open_ledger
from postback_pipeline.settings import Settings
from tests.delivery.lines import NAME, Line, desired, line_at


@dataclass(frozen=True)
class Orders:
    """What a worker is told to do."""

    ledger_url: str
    receiver: str
    kind: str
    #: File of the ledger's clock.
    clock: str
    options: str = ""
    delivery: dict[str, Any] = field(default_factory=dict)
    owner: str = "worker"
    #: `drain`, `run_drain` (with its signal handlers), or `enqueue` of `rows`.
    role: str = "drain"
    rows: int = 0
    #: Where it ends, at which pass and by which signal; None: nowhere.
    point: str | None = None
    passes: int = 1
    ends_with: str = "SIGKILL"
    #: Largest file it may write. Bytes.
    file_size: int | None = None
    #: Reads the ledger once before it says that it is ready.
    looks: bool = True
    #: File for everything that it says, down to the least important log line.
    says_to: str | None = None


def main(orders: Orders, pipe: Connection) -> None:
    """Gets ready, waits for the start, works, reports."""
    if orders.says_to is not None:
        said = os.open(orders.says_to, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    death = Death(Point(orders.point) if orders.point else None, orders.passes, signal.Signals[orders.ends_with])
    with closing(open_ledger(orders.ledger_url, "test", clock=SharedClock(Path(orders.clock)))) as ledger:
        if orders.looks:
            ledger.due([NAME])
        pipe.send("ready")
        pipe.recv()
        if orders.file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (orders.file_size, resource.RLIM_INFINITY))
        try:
            report = _work(orders, ledger, death)
        except LedgerUnavailable as error:
            report = {"unavailable": str(error)}
    pipe.send(report)


def _work(orders: Orders, ledger: Ledger, death: Death) -> dict[str, Any]:
    mortal = MortalLedger(ledger, death).as_ledger()
    clock: Any = SharedClock(Path(orders.clock))
    line = line_at(orders.receiver, mortal, clock, orders.kind, orders.options, **orders.delivery)
    if orders.role == "enqueue":
        return {"inserted": line.enqueue(*(desired(number) for number in range(orders.rows))).inserted}
    report = (
        _run_drain(line)
        if orders.role == "run_drain"
        else asyncio.run(line.drain(MortalTransport(death), owner=orders.owner))
    )
    return {"ended": report.ended, "claimed": report.claimed, "requests": report.requests, "released": report.released}


def _run_drain(line: Line) -> Any:
    settings = Settings(destinations={NAME: line.settings}, delivery=line.delivery, file=Path("/etc/postbacks.toml"))
    return run_drain(NAME, line.destination, settings, line.ledger)
