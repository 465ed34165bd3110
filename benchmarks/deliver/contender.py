"""The process of a contender or figure: takes its task, does it, and leaves what was measured in the task's folder.

    python -m benchmarks.deliver.contender MODULE FUNCTION < TASK

Belongs here: what holds for all of them. Does not belong here: any one of them (`contenders/`, `figures/`).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

from benchmarks.deliver.stopwatch import Stopwatch, peak_mb
from benchmarks.deliver.task import Task, measured_file, task_from


def main() -> None:
    """Does the task; what it raises is left as `error` and ends the process."""
    module, function = sys.argv[1:]
    task = task_from(sys.stdin.read())
    pin(task.core)
    stopwatch = Stopwatch(task.server_pid)
    try:
        told = getattr(importlib.import_module(f"benchmarks.deliver.{module}"), function)(task, stopwatch)
    except Exception as error:
        _leave(task, {"error": " ".join(f"{type(error).__name__}: {error}".split())})
        raise
    measured = {
        "wall_s": stopwatch.wall_s,
        "cpu_s": stopwatch.cpu_s,
        "server_cpu_s": stopwatch.server_cpu_s,
        "peak_mb": peak_mb(),
        "told": told or {},
    }
    _leave(task, measured)


def _leave(task: Task, measured: dict[str, Any]) -> None:
    measured_file(task.folder).write_text(json.dumps(measured), encoding="utf-8")


def pin(core: int | None) -> None:
    """Keeps this process on one core, where the system can do that."""
    if core is not None and sys.platform == "linux":
        os.sched_setaffinity(0, {core})


if __name__ == "__main__":
    main()
