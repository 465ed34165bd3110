"""Workers in processes of their own and a receiver that outlives them, as tests hold them.

Belongs here: starting and ending them. Does not belong here: what a worker does (`worker`), what is checked (`oracle`).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.crash_worker import SharedClock
from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from tests.delivery.lines import Line, desired, line_at
from tests.delivery.receivers import Answer, Receiver, receiving_elsewhere
from tests.faults.oracle import PIXEL, Book, account, orders
from tests.faults.worker import Orders, main

T = TypeVar("T")

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.faults.worker"])


class Worker:
    """One worker's process, forked from one that has imported everything."""

    def __init__(self, what: Orders) -> None:
        self._pipe, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=main, args=(what, theirs))
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0

    def ready(self) -> Worker:
        """Waits until it waits for its start."""
        assert self._pipe.recv() == "ready"
        return self

    def start(self) -> Worker:
        """Lets it work."""
        self._pipe.send("go")
        return self

    def signal(self, number: int) -> None:
        """Sends it one."""
        os.kill(self.pid, number)

    def stopped(self) -> None:
        """Waits until it has stopped itself."""
        for _ in range(3_000):
            if _state_of(self.pid) == "T":
                return
            time.sleep(0.01)
        raise AssertionError("It did not stop.")

    def ended(self, status: int = 0) -> dict[str, Any]:
        """Waits for its end, which must be this (minus the signal's number), and gives its report."""
        self._process.join(40)
        assert self._process.exitcode == status
        found: dict[str, Any] = self._pipe.recv() if status == 0 else {}
        return found

    def gone(self) -> None:
        """Waits for its end, whichever."""
        self._process.join(40)
        assert self._process.exitcode is not None

    def end(self) -> None:
        """Ends it whatever it does, asleep or not; nothing if it has ended."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _state_of(pid: int) -> str:
    """A process's state, in one letter."""
    told = Path(f"/proc/{pid}/stat")
    if told.exists():
        return told.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    command = ["ps", "-o", "state=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout[:1]


@dataclass
class Site:
    """One destination, its receiver's notes, its ledger, and any number of workers."""

    ledger_url: str
    clock_file: Path
    receiver: Receiver
    book: Book
    kind: str
    options: str
    #: Fields of `settings.Delivery`.
    delivery: dict[str, Any] = field(default_factory=dict)
    #: All that were started; they end with the site at the latest.
    workers: list[Worker] = field(default_factory=list)

    @property
    def clock(self) -> SharedClock:
        """The ledger's, for all."""
        return SharedClock(self.clock_file)

    def with_ledger(self, do: Callable[[Line], T]) -> T:
        """Does something from this process, as a person or a build would."""
        with closing(open_ledger(self.ledger_url, "test", clock=self.clock)) as ledger:
            return do(self.line(ledger))

    def line(self, ledger: Ledger) -> Line:
        """The same line that the workers have."""
        clock: Any = self.clock
        return line_at(self.receiver.url, ledger, clock, self.kind, self.options, **self.delivery)

    def worker(self, **changes: Any) -> Worker:
        """One that is ready and waits for its start."""
        shared = {"options": self.options, "delivery": self.delivery}
        what = Orders(self.ledger_url, self.receiver.url, self.kind, str(self.clock_file), **{**shared, **changes})
        self.workers.append(Worker(what))
        return self.workers[-1].ready()

    def fill(self, rows: int) -> None:
        """Enqueues orders 0 to `rows` - 1."""
        self.with_ledger(lambda line: line.enqueue(*(desired(number) for number in range(rows))))

    def await_hit(self) -> None:
        """Waits until the receiver has read a request."""
        for _ in range(6_000):
            if self.book.hits:
                return
            time.sleep(0.005)
        raise AssertionError("Nothing came.")

    def drain(self, **changes: Any) -> dict[str, Any]:
        """A worker's whole life."""
        return self.worker(**changes).start().ended()

    def account(self, rows: int, *, deduplicates: bool = False) -> Line:
        """The four checks."""

        def check(line: Line) -> Line:
            account(line.stories(), self.book.hits, deduplicates=deduplicates, wanted=orders(rows))
            return line

        return self.with_ledger(check)


@contextmanager
def site(
    ledger_url: str, folder: Path, answer: Answer, *, kind: str = PIXEL, options: str = "", **delivery: Any
) -> Iterator[Site]:
    """A site with a new ledger at this URL."""
    clock_file = folder / "clock"
    create_ledger(ledger_url, "test", clock=SharedClock(clock_file))
    book = Book()
    with receiving_elsewhere(book.noting(answer)) as receiver:
        opened = Site(ledger_url, clock_file, receiver, book, kind, options, {"budget_seconds": 20} | delivery)
        try:
            yield opened
        finally:
            # One that was stopped in a test that failed would otherwise sleep for ever, and everybody wait for it.
            for worker in opened.workers:
                worker.end()
