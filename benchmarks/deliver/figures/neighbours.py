"""What one dead destination costs another: both drain at once on one ledger, each in a process of its own.

    python -m benchmarks.deliver.figures.neighbours FATE < TASK      the dead one's drain, until it is ended

Belongs here: a drain that has a bad neighbour. Does not belong here: a drain alone (`contenders.engine`).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.build_process import ROOT
from benchmarks.deliver.contender import pin
from benchmarks.deliver.contenders.engine import drained
from benchmarks.deliver.filling import fill
from benchmarks.deliver.shop import open_shop
from benchmarks.deliver.stopwatch import Stopwatch, cpu_of_family
from benchmarks.deliver.task import Task, task_from

_NEIGHBOUR = "neighbour"
_SETTLING_SECONDS = 2


def _urls(fate: str, task: Task) -> dict[str, str]:
    """Where the neighbour is: at a receiver that never answers, or where nobody listens."""
    root = task.url.rpartition("/")[0]
    return {_NEIGHBOUR: {"hangs": f"{root}/hang", "refuses": "http://127.0.0.1:9"}[fate]}


def _drain_beside(fate: str | None, task: Task, stopwatch: Stopwatch) -> dict[str, Any]:
    # The neighbour's rows are there in any case, so that both drains work on the same ledger.
    urls = _urls(fate or "hangs", task)
    fill("webhook", task, others=urls)
    with open_shop("webhook", task, others=urls) as shop, _neighbour(fate, task) as pid:
        before = None if pid is None else cpu_of_family(pid)
        drained(shop, task, stopwatch)
        after = None if pid is None else cpu_of_family(pid)
    if before is None or after is None:
        return {}
    return {"neighbour_cpu_share": (after - before) / stopwatch.wall_s}


@contextmanager
def _neighbour(fate: str | None, task: Task) -> Iterator[int | None]:
    """The other drain's process, which ends with the context; None where there is to be none."""
    if fate is None:
        yield None
        return
    command = [sys.executable, "-m", "benchmarks.deliver.figures.neighbours", fate]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(task.as_json())
        process.stdin.close()
        # It is about to drain; what starting to do so costs, it costs once.
        process.stdout.readline()
        time.sleep(_SETTLING_SECONDS)
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


#: The same with no neighbour at work, with one whose receiver never answers, with one whose receiver is not there.
alone = partial(_drain_beside, None)
beside_hanging = partial(_drain_beside, "hangs")
beside_refusing = partial(_drain_beside, "refuses")


def main() -> None:
    """Drains the neighbour, on the same core, as often as the sensor looks whether something is due."""
    # Not for the drain that is measured beside it: this brings Dagster along.
    from postback_pipeline.defs.due_postbacks import TICK_SECONDS

    task = task_from(sys.stdin.read())
    pin(task.core)
    with open_shop("webhook", task, others=_urls(sys.argv[1], task)) as shop:
        print("draining", flush=True)
        while True:
            shop.drain(_NEIGHBOUR)
            time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()
