"""Contenders take turns against one receiver; what each run measured is checked against what arrived.

Belongs here: the order of the runs, a run's process, its figures. Does not belong here: comparing contenders
(`comparison`), sending (`contenders/`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.build_process import ROOT
from benchmarks.deliver.arrivals import Receiver, running_receiver
from benchmarks.deliver.registry import Contender
from benchmarks.deliver.shop import sample_body
from benchmarks.deliver.stopwatch import family
from benchmarks.deliver.task import Task, measured_file
from benchmarks.environments import NotInstalled, python_of
from benchmarks.postgres import PostgresServer, fresh_database, postgres_server

#: A run may take this long. Seconds.
_PATIENCE = 7_200
#: Of an error, so many characters are told; all of it goes to stderr.
_LONGEST_ERROR = 200


class RunFailed(Exception):
    """A contender could not do its task; the text is its own last word."""


@dataclass(frozen=True)
class Run:
    """One contender's turn."""

    rows: int
    in_flight: int
    wall_s: float
    cpu_s: float
    #: None where there is no database server, or nothing that tells.
    server_cpu_s: float | None
    peak_mb: float
    lost: int
    duplicated: int
    #: What else it has to tell.
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def rows_per_s(self) -> float:
        """Rows per second of wall time."""
        return self.rows / self.wall_s


@dataclass
class Turns:
    """All runs of one contender at one latency, or why there are none."""

    contender: Contender
    latency_ms: int
    runs: list[Run] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class Cores:
    """Contenders on one core, receiver and database server on another; None where there are not two."""

    contender: int | None
    others: int | None


def cores() -> Cores:
    """The first two cores that this process may use."""
    allowed = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    return Cores(*allowed[:2]) if len(allowed) > 1 else Cores(None, None)


class Bench:
    """The receiver, the database server and the environments, for as long as contenders run."""

    def __init__(self, receiver: Receiver, server: PostgresServer | None, folder: Path, on: Cores) -> None:
        self.receiver = receiver
        self._server = server
        self._folder = folder
        self._cores = on
        self._body = sample_body()
        self._runs = 0

    def run(self, contender: Contender, latency_ms: int, rows: int) -> Run:
        """One run in a process of its own.

        Raises:
            RunFailed: it did not end well.
        """
        self._runs += 1
        with ExitStack() as stack:
            database = None
            if contender.postgresql and self._server is not None:
                made = stack.enter_context(fresh_database(self._server.url, f"benchmark_{self._runs}"))
                # Without the driver of ours, which is not everybody's.
                database = made.replace("postgresql+psycopg2://", "postgresql://")
            task = Task(
                label=f"{contender.name}-{self._runs}",
                rows=rows,
                in_flight=contender.in_flight(latency_ms),
                url=self.receiver.url(latency_ms),
                body=self._body,
                folder=stack.enter_context(tempfile.TemporaryDirectory(dir=self._folder)),
                database=database,
                server_pid=self._server.pid if self._server is not None and database else None,
                core=self._cores.contender,
            )
            try:
                measured = measure(task, contender)
            finally:
                expected = map(task.key_of, range(rows)) if contender.sends else ()
                arrived = self.receiver.arrived(expected)
        return Run(rows, task.in_flight, lost=arrived.lost, duplicated=arrived.duplicated, **measured)


@contextmanager
def bench(*, postgresql: bool) -> Iterator[Bench]:
    """Everything that contenders need, for as long as the context lasts."""
    on = cores()
    with (
        tempfile.TemporaryDirectory(prefix="postback-benchmark-") as folder,
        running_receiver(Path(folder), on.others) as receiver,
        postgres_server() if postgresql else nullcontext() as server,
    ):
        if server is not None:
            _keep_on(on.others, server.pid)
        yield Bench(receiver, server, Path(folder), on)


def _keep_on(core: int | None, server: int) -> None:
    """Keeps the server's processes that run already on a core; what they start stays there too."""
    if core is not None:
        for pid in family(server):
            os.sched_setaffinity(pid, {core})


def measure(task: Task, contender: Contender) -> dict[str, Any]:
    """What the contender's process measured.

    Raises:
        RunFailed: it did not end well.
    """
    try:
        python = python_of("peers") if contender.peer else Path(sys.executable)
    except NotInstalled as error:
        raise RunFailed(f"the peers were {error}") from error
    command = [str(python), "-m", "benchmarks.deliver.contender", contender.module, contender.function]
    # Nobody is told what is run here.
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    try:
        ended = subprocess.run(
            command,
            input=task.as_json(),
            cwd=ROOT,
            env=environment,
            timeout=_PATIENCE,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        raise RunFailed(f"did not end within {_PATIENCE} s") from error
    file = measured_file(task.folder)
    measured: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if ended.returncode:
        print(ended.stderr, file=sys.stderr)
        raise RunFailed(measured.get("error", f"ended with {ended.returncode}")[:_LONGEST_ERROR])
    return measured


def take_turns(contenders: Sequence[Contender], latencies: Sequence[int], rows: int, rounds: int) -> list[Turns]:
    """Every contender at every latency, once per round; whoever fails once does not run again."""
    turns = [Turns(contender, latency) for latency in latencies for contender in contenders]
    with bench(postgresql=any(contender.postgresql for contender in contenders)) as on:
        for number in range(1, rounds + 1):
            for each in turns:
                if each.error is not None:
                    continue
                name = f"{each.contender.name} at {each.latency_ms} ms"
                print(f"Round {number} of {rounds}: {name}", file=sys.stderr)
                try:
                    each.runs.append(
                        on.run(each.contender, each.latency_ms, each.contender.rows(rows, each.latency_ms))
                    )
                except RunFailed as error:
                    each.error = str(error)
                    print(f"{name} failed: {error}", file=sys.stderr)
    return turns
