"""Fills a ledger for a drain, in a process of its own as a build is one: its memory is none of the drain's.

    python -m benchmarks.deliver.filling KIND < TASK

Belongs here: the rows that a drain finds when it starts. Does not belong here: rows that come while it runs
(`figures.due`).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.build_process import ROOT
from benchmarks.deliver.outbox import open_outbox
from benchmarks.deliver.shop import NAME, open_shop
from benchmarks.deliver.task import Task, task_from


def fill_apart(kind: str, task: Task) -> None:
    """A new ledger with all rows of the task in it, due at once."""
    command = [sys.executable, "-m", "benchmarks.deliver.filling", kind]
    subprocess.run(command, input=task.as_json(), text=True, check=True, cwd=ROOT)


def fill(kind: str, task: Task, *, others: Mapping[str, str] | None = None) -> None:
    """The same by this process; `others` are destinations that get as many rows, under their own name as label."""
    with open_shop(kind, task, others=others, new=True) as shop, open_outbox(Path(task.folder)) as connection:
        shop.enqueue(connection, NAME, task.label, range(task.rows))
        for name in others or {}:
            shop.enqueue(connection, name, name, range(task.rows))


if __name__ == "__main__":
    fill(sys.argv[1], task_from(sys.stdin.read()))
