"""One long drain: whether memory stays flat.

Belongs here: the memory of a drain over time. Does not belong here: its rate beside others' (`contenders.engine`).
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from benchmarks.deliver.contenders.engine import drained
from benchmarks.deliver.filling import fill_apart
from benchmarks.deliver.shop import open_shop
from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task

_EVERY_SECONDS = 0.5


class _Watcher:
    """Reads this process's resident set now and then, in a thread."""

    def __init__(self) -> None:
        self.sizes_mb: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.sizes_mb.append(resident_mb())

    def _watch(self) -> None:
        self.sizes_mb.append(resident_mb())
        while not self._over.wait(_EVERY_SECONDS):
            self.sizes_mb.append(resident_mb())


def resident_mb() -> float:
    """The resident set of this process now, in MiB. Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def flat_memory(task: Task, stopwatch: Stopwatch) -> dict[str, Any]:
    """All rows of the task in one drain."""
    fill_apart("webhook", task)
    with open_shop("webhook", task) as shop, _Watcher() as watcher:
        drained(shop, task, stopwatch)
    sizes = watcher.sizes_mb
    quarters = [sizes[len(sizes) * part // 4] for part in (1, 2, 3)]
    return {
        "rss_start_mb": round(sizes[0]),
        "rss_quarters_mb": [round(size) for size in quarters],
        "rss_end_mb": round(sizes[-1]),
    }
