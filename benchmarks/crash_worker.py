"""One worker of the crash runs: build, deliver, measure as the pipeline does them, in a process that may die of it.

Belongs here: the life of a worker, from a fork to its end. Does not belong here: where it dies (`crash_points`), what
is checked afterwards (`crash_round`).
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from sqlalchemy import func, select

from benchmarks.crash_points import Death, MortalHistory, MortalLedger, MortalWarehouse, Point
from benchmarks.crash_scenarios import ENVIRONMENT, NAME, Scenario, delivery_of, destination_of, outbox
from benchmarks.crash_transport import MortalTransport
from postback_pipeline.delivery.drain import drain
from postback_pipeline.delivery.enqueue import rules_of
from postback_pipeline.ledger import Ledger, open_ledger
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Desired
from postback_pipeline.settings import DestinationSettings, Guard
from postback_pipeline.sources.ledger_copy import copy_ledger_history
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

LEDGER_ENVIRONMENT = "test"
#: Nothing here is a flood.
_GUARD = Guard(minimum=1_000_000, retraction_minimum=1_000_000)
#: Requests per second of a worker that is to live long enough to renew its leases.
_SLOW = 10.0


class SharedClock:
    """A clock that runs, and that one process moves on for all others.

    Args:
        file: where it is shared with any process; None: with those that are forked from this one.
    """

    def __init__(self, file: Path | None = None) -> None:
        if file is None:
            self._offset = mmap.mmap(-1, 8)
            return
        with file.open("a+b") as opened:
            if opened.tell() == 0:
                opened.write(bytes(8))
                opened.flush()
            self._offset = mmap.mmap(opened.fileno(), 8)

    def __call__(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + timedelta(seconds=struct.unpack("d", self._offset[:8])[0])

    def forward(self, seconds: float) -> None:
        """Moves it on."""
        self._offset[:8] = struct.pack("d", struct.unpack("d", self._offset[:8])[0] + seconds)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the workers of one round work."""

    scenario: Scenario
    ledger_url: str
    warehouse: Path
    receiver: str
    run: str
    clock: SharedClock

    def open(self) -> Ledger:
        """Its ledger; opened after the fork, so that no two processes share a connection."""
        return open_ledger(self.ledger_url, LEDGER_ENVIRONMENT, clock=self.clock)

    def settings(self, *, slow: bool = False) -> DestinationSettings:
        """Of its destination."""
        return self.scenario.settings(self.receiver, self.run, rate=_SLOW if slow else None)


def work(deployment: Deployment, worker: int, death: Death) -> None:
    """A worker's whole life: builds, delivers, and, if it is to die of it, copies the ledger's history."""
    settings = deployment.settings(slow=death.point is Point.WHILE_RENEWING)
    with closing(deployment.open()) as opened:
        ledger = MortalLedger(opened, death)
        enqueue(ledger.as_ledger(), settings, lambda newest: outbox(worker, newest), [worker - 1, worker])
        if death.point is not Point.WHILE_ENQUEUING:
            deliver(ledger.as_ledger(), settings, death, f"worker {worker}")
        if death.point is Point.WHILE_COPYING:
            copy(deployment, opened, death)


def enqueue(
    ledger: Ledger,
    settings: DestinationSettings,
    build: Callable[[Mapping[str, int]], list[Desired]],
    workers: Collection[int],
) -> None:
    """Tells the ledger what these workers' conversions are worth now."""
    destination = destination_of(settings)
    rows = build(newest_revisions(ledger, workers))
    ledger.enqueue(NAME, rows, rules=rules_of(destination, settings), render=destination.render, guard=_GUARD)


def newest_revisions(ledger: Ledger, workers: Collection[int]) -> dict[str, int]:
    """Conversion key -> newest revision, of these workers' conversions: what a build computes against."""
    key, revision = postbacks.c.conversion_key, postbacks.c.revision
    query = select(key, func.max(revision)).group_by(key)
    found: dict[str, int] = {}
    with ledger._database.reading() as connection:
        for worker in workers:
            rows = connection.execute(query.where(key.like(f"purchase:{worker}-%")))
            found.update({row[0]: row[1] for row in rows})
    return found


def deliver(ledger: Ledger, settings: DestinationSettings, death: Death, owner: str) -> None:
    """One drain over the wire."""

    async def run() -> None:
        async with MortalTransport(death) as transport:
            await drain(
                NAME,
                destination_of(settings),
                settings,
                ledger,
                transport,
                delivery_of(settings),
                environment=ENVIRONMENT,
                owner=owner,
            )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def copy(deployment: Deployment, ledger: Ledger, death: Death) -> None:
    """The ledger's history into the warehouse."""
    with open_warehouse(deployment.warehouse) as connection:
        create_raw_tables(connection)
        mortal = MortalWarehouse(connection, death)
        copy_ledger_history(mortal.as_connection(), MortalHistory(ledger, death))


def forked(life: Callable[[], None]) -> bool:
    """Runs it in a process of its own; whether that was killed.

    Raises:
        RuntimeError: it failed otherwise; its traceback is on standard error.
    """
    process = os.fork()
    if process == 0:
        status = 1
        try:
            life()
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    _, ended = os.waitpid(process, 0)
    if os.WIFSIGNALED(ended):
        return True
    if os.WEXITSTATUS(ended) != 0:
        raise RuntimeError("A worker failed by itself, which no kill explains; see its traceback.")
    return False
