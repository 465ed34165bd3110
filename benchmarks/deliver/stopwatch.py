"""What a stretch of work took, measured inside the process that does it; standard library only.

Belongs here: wall and CPU seconds, and memory. Does not belong here: what is done meanwhile. Start-up, imports and
preparations lie outside of the stretch; memory is that of the process's whole life.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Stopwatch:
    """A context manager around the work that counts; CPU is that of all threads, user and system."""

    def __init__(self, server_pid: int | None = None) -> None:
        self._server_pid = server_pid
        self.wall_s = 0.0
        self.cpu_s = 0.0
        #: CPU of a database server's processes; None without one.
        self.server_cpu_s: float | None = None

    def __enter__(self) -> Self:
        gc.collect()
        self._server = self._server_cpu()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu
        if self._server is not None:
            self.server_cpu_s = (self._server_cpu() or 0.0) - self._server

    def _server_cpu(self) -> float | None:
        return None if self._server_pid is None else cpu_of_family(self._server_pid)


def peak_mb() -> float:
    """The largest resident set of this process so far, in MiB."""
    try:
        # `ru_maxrss` would start from that of the program which started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def family(pid: int) -> dict[int, list[str]]:
    """A process and its children: what /proc says of each after its name, which may hold anything; empty without it."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # State, parent, ...
        if pid in (int(stat.parent.name), int(fields[1])):
            found[int(stat.parent.name)] = fields
    return found


def cpu_of_family(pid: int) -> float | None:
    """CPU seconds of a process and its children, those that ended included; None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    # utime, stime, and of the process itself those of ended children too.
    ticks = sum(sum(map(int, fields[11 : 15 if each == pid else 13])) for each, fields in family(pid).items())
    return ticks / os.sysconf("SC_CLK_TCK")
