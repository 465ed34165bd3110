"""This project's engine: rows enqueued into a ledger beforehand, then one drain, as a run of `deliver` makes it.

Belongs here: the three kinds of request over the two databases. Does not belong here: what a row looks like
(`shop`), which the plain loops send too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.deliver.shop import open_shop
from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task
from postback_pipeline.delivery.drain import run_drain


def _drain(kind: str, task: Task, stopwatch: Stopwatch) -> None:
    url = f"sqlite:///{Path(task.folder) / 'ledger.sqlite'}"
    if task.database is not None:
        url = task.database.replace("postgresql://", "postgresql+psycopg2://")
    with open_shop(kind, task.url, url, in_flight=task.in_flight) as shop:
        shop.enqueue(task.label, range(task.rows))
        with stopwatch:
            report = run_drain(shop.name, shop.destination, shop.settings, shop.ledger)
    if report.outcomes != {"accepted": task.rows}:
        raise RuntimeError(f"not all were accepted: {dict(report.outcomes)}, ended as {report.ended}")


#: A signed POST per postback; the ledger is the database that the task brings, else a SQLite file.
webhook = partial(_drain, "webhook")
#: A GET per postback.
get = partial(_drain, "get")
