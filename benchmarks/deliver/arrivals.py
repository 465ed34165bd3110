"""The receiver as the benchmark runs it, and what its log says arrived.

Belongs here: starting and ending the receiver, and the count of keys that came once, more often or never. Does not
belong here: taking requests (`receiver`).
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.build_process import ROOT


@dataclass(frozen=True)
class Arrived:
    """Rows that never arrived, and requests that were one too many (keys nobody sent included)."""

    lost: int
    duplicated: int


class Receiver:
    """The running receiver and its log."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log
        self._read = 0

    def url(self, latency: int | str) -> str:
        """Where it answers after so many milliseconds, or `hang`: never."""
        return f"http://127.0.0.1:{self._port}/{latency}"

    def arrived(self, expected: Iterable[str]) -> Arrived:
        """What came since this was last asked, against the keys that should have come."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", "/flush")
        connection.getresponse().read()
        connection.close()
        with self._log.open("rb") as file:
            file.seek(self._read)
            counts = Counter(line.rstrip(b"\n").decode() for line in file)
            self._read = file.tell()
        lost = duplicated = 0
        for key in expected:
            came = counts.pop(key, 0)
            lost += came == 0
            duplicated += max(came - 1, 0)
        return Arrived(lost, duplicated + counts.total())


@contextmanager
def running_receiver(folder: Path, core: int | None) -> Iterator[Receiver]:
    """A receiver in a process of its own, for as long as the context lasts."""
    log = folder / "received.log"
    command = [sys.executable, "-m", "benchmarks.deliver.receiver", "--log", str(log)]
    command += [] if core is None else ["--core", str(core)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Receiver(int(process.stdout.readline()), log)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
