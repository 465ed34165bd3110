"""Rows of an outbox into the ledger: all new, and all known already; and a tick of the sensor when nothing is due.

Belongs here: what a build and an idle daemon pay. Does not belong here: sending.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import dagster as dg

from benchmarks.deliver.outbox import key_of, open_outbox, write_rows
from benchmarks.deliver.shop import NAME, Shop, open_shop
from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task
from postback_pipeline.defs import due_postbacks
from postback_pipeline.ledger import Action, Reported, open_ledger

#: Of the known rows, so many are written at a time beforehand.
_PART = 200_000
_TICKS = 20


def new_rows(task: Task, stopwatch: Stopwatch) -> dict[str, Any]:
    """The whole outbox is news to the ledger."""
    with open_shop("webhook", task, new=True) as shop, open_outbox(Path(task.folder)) as connection:
        write_rows(connection, NAME, task.label, range(task.rows))
        with stopwatch:
            report = shop.enqueue_written(connection, NAME)
    if report.inserted != task.rows:
        raise RuntimeError(f"not all were enqueued: {dict(report.actions)}")
    return {"inserted": report.inserted}


def known_rows(task: Task, stopwatch: Stopwatch) -> dict[str, Any]:
    """The ledger holds the whole outbox as accepted, as after a warehouse was built anew; then idle ticks on it."""
    with open_shop("webhook", task, new=True) as shop, open_outbox(Path(task.folder)) as connection:
        for first in range(0, task.rows, _PART):
            numbers = range(first, min(first + _PART, task.rows))
            shop.ledger.import_reported(_reported(task.label, numbers), actor="benchmark", reason="known before")
        write_rows(connection, NAME, task.label, range(task.rows), against=1)
        with stopwatch:
            report = shop.enqueue_written(connection, NAME)
        if report.actions[Action.KNOWN] != task.rows:
            raise RuntimeError(f"not all were known: {dict(report.actions)}")
        return {"inserted": report.inserted, **_idle_ticks(shop)}


def _reported(label: str, numbers: range) -> Iterator[Reported]:
    """What the outbox says about them, as accepted before."""
    now = datetime.now(UTC)
    for number in numbers:
        key = key_of(label, number)
        yield Reported(NAME, key, "purchase", Decimal("129.90"), "EUR", f"order-{number}", now - timedelta(hours=1))


def _idle_ticks(shop: Shop) -> dict[str, Any]:
    """Milliseconds (median) of the sensor's tick where nothing is due, and of its look at the ledger alone."""
    settings = shop.settings
    (sensor,) = due_postbacks.defs().sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    ticks, looks = [], []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(_TICKS):
            began = time.perf_counter()
            context = dg.build_sensor_context(instance=instance, resources={"settings": settings})
            ended = sensor(context)
            ticks.append(time.perf_counter() - began)
            if not isinstance(ended, dg.SkipReason) or ended.skip_message != "Nothing is due.":
                raise RuntimeError(f"everything was accepted, and yet: {ended}")
            began = time.perf_counter()
            with open_ledger(settings.ledger_url(), settings.environment) as ledger:
                ledger.due(sorted(settings.destinations))
            looks.append(time.perf_counter() - began)
    return {"idle_tick_ms": round(median(ticks) * 1e3, 2), "idle_ledger_ms": round(median(looks) * 1e3, 2)}
