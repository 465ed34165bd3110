"""This project's engine: one drain, as a run of `deliver` makes it, of rows that a build enqueued before.

Belongs here: the three kinds of request. Does not belong here: the deployment and its rows (`shop`, `filling`).
"""

from __future__ import annotations

from functools import partial

from benchmarks.deliver.filling import fill_apart
from benchmarks.deliver.shop import NAME, Shop, open_shop
from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task


def _drain(kind: str, task: Task, stopwatch: Stopwatch) -> None:
    fill_apart(kind, task)
    with open_shop(kind, task) as shop:
        drained(shop, task, stopwatch)


def drained(shop: Shop, task: Task, stopwatch: Stopwatch) -> None:
    """Drains what the task put in.

    Raises:
        RuntimeError: not all of it was accepted.
    """
    with stopwatch:
        report = shop.drain(NAME)
    if report.outcomes != {"accepted": task.rows}:
        raise RuntimeError(f"not all were accepted: {dict(report.outcomes)}, ended as {report.ended}")


#: A signed POST per postback; the ledger is the database that the task brings, else a SQLite file.
webhook = partial(_drain, "webhook")
#: A GET per postback.
get = partial(_drain, "get")
#: A signed POST per thousand, each with its own verdict.
batch = partial(_drain, "batch")
