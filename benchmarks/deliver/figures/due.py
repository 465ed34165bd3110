"""How long a postback waits from the moment it is due to its acceptance, while others keep coming and a drain runs.

    python -m benchmarks.deliver.figures.due < TASK      enqueues the task's rows, a part at a time

Belongs here: rows that come while a drain runs. Does not belong here: how long a request takes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.build_process import ROOT
from benchmarks.deliver.contenders.engine import drained
from benchmarks.deliver.outbox import open_outbox
from benchmarks.deliver.shop import NAME, open_shop
from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task, task_from

ROWS_PER_SECOND = 1_000
#: Each part holds the rows that become due in so many seconds, ...
_PART_SECONDS = 0.5
#: ... and is enqueued this long before the first of them does: a drain waits for what is due soon.
_AHEAD = timedelta(seconds=2)


def due_to_accepted(task: Task, stopwatch: Stopwatch) -> dict[str, Any]:
    """Seconds from due to accepted, of all rows of the task, which come at a steady rate."""
    command = [sys.executable, "-m", "benchmarks.deliver.figures.due"]
    with open_shop("webhook", task, new=True) as shop:
        feeder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert feeder.stdin is not None
        assert feeder.stdout is not None
        try:
            feeder.stdin.write(task.as_json())
            feeder.stdin.close()
            # The first part is in the ledger; its first row becomes due at this instant.
            start = datetime.fromisoformat(feeder.stdout.readline().strip())
            drained(shop, task, stopwatch)
            if feeder.wait():
                raise RuntimeError("not all rows were enqueued")
        finally:
            feeder.kill()
            feeder.wait()
            feeder.stdout.close()
        waits = sorted(
            (change["at"] - start).total_seconds() - int(change["conversion_key"].rpartition(":")[2]) / ROWS_PER_SECOND
            for changes in shop.ledger.history(0)
            for change in changes
            if change["to_state"] == "accepted"
        )
    return {
        "rows_due_per_s": ROWS_PER_SECOND,
        "p50_s": round(waits[len(waits) // 2], 3),
        "p95_s": round(waits[len(waits) * 95 // 100], 3),
        "longest_s": round(waits[-1], 3),
    }


def main() -> None:
    """Enqueues each part in time."""
    task = task_from(sys.stdin.read())
    part = round(ROWS_PER_SECOND * _PART_SECONDS)
    with open_shop("webhook", task) as shop, open_outbox(Path(task.folder)) as connection:
        start = datetime.now(UTC) + _AHEAD
        for first in range(0, task.rows, part):
            wanted_at = start + timedelta(seconds=first / ROWS_PER_SECOND) - _AHEAD
            time.sleep(max(0.0, (wanted_at - datetime.now(UTC)).total_seconds()))
            numbers = range(first, min(first + part, task.rows))
            shop.enqueue(connection, NAME, task.label, numbers, due_from=start, apart_s=1 / ROWS_PER_SECOND)
            if not first:
                print(start.isoformat(), flush=True)


if __name__ == "__main__":
    main()
