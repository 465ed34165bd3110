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


def cpu_of_family(pid: int) -> float | None:
    """CPU seconds of a process and its children, those that ended included; None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # After the name, which may hold anything: state, parent, ..., utime, stime, and those of ended children.
        fields = text.rpartition(")")[2].split()
        if stat.parent.name == str(pid):
            ticks += sum(map(int, fields[11:15]))
        elif fields[1] == str(pid):
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")
