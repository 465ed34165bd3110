"""A deployment with its receivers and its ledger, and conversions to report to them.

Belongs here: settings, the ledger, the body that every contender sends. Does not belong here: the rows of an outbox
(`outbox`), draining, measuring.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from benchmarks.deliver.outbox import open_outbox, write_rows
from benchmarks.deliver.task import KEY, Task
from postback_pipeline.defs.outbox import read_outbox
from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.delivery.enqueue import enqueue_outbox
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import EnqueueReport, Ledger, create_ledger, open_ledger
from postback_pipeline.settings import Settings

NAME = "partner"
_SECRET = "BENCHMARK_SECRET"
_LEDGER = "BENCHMARK_LEDGER_URL"
_RECEIVERS = {
    "webhook": f"""
type = "webhook"
url = "URL/hook"
secret_env = "{_SECRET}"
""",
    "batch": f"""
type = "batch_webhook"
url = "URL/batch"
secret_env = "{_SECRET}"
""",
    "get": """
type = "url_template"
accepted_when = { status = [200], body_regex = "^OK$" }
conversion.url = "URL/hook?key={key}&subid={subid}&tid={transaction_id}&payout={value}&currency={currency}"
""",
}
_SETTINGS = f"""
[ledger]
url_env = "{_LEDGER}"
[guard]
minimum = 1_000_000_000
[delivery]
budget_seconds = 36_000
"""


@dataclass(frozen=True)
class Shop:
    """An open deployment."""

    settings: Settings
    ledger: Ledger

    def enqueue(
        self, connection: DuckDBPyConnection, destination: str, label: str, numbers: range, **more: Any
    ) -> EnqueueReport:
        """Writes conversions into an outbox and enqueues it; `more` as `write_rows` has it.

        Raises:
            RuntimeError: some of them did not become postbacks.
        """
        write_rows(connection, destination, label, numbers, **more)
        report = self.enqueue_written(connection, destination)
        if report.inserted != len(numbers):
            raise RuntimeError(f"not all were enqueued: {dict(report.actions)}")
        return report

    def enqueue_written(self, connection: DuckDBPyConnection, destination: str) -> EnqueueReport:
        """Enqueues what the outbox holds, as the asset does."""
        destinations = build_destinations(self.settings)
        return enqueue_outbox(read_outbox(connection), self.ledger, destinations, self.settings)[destination]

    def drain(self, destination: str) -> DrainReport:
        """One drain, as a run of `deliver` makes it."""
        return run_drain(destination, build_destinations(self.settings)[destination], self.settings, self.ledger)


def _settings(kind: str, urls: Mapping[str, str], task: Task) -> Settings:
    """A deployment with a receiver of this kind at each of `urls`, by name; ledger and home are the task's."""
    os.environ[_SECRET] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
    os.environ[_LEDGER] = f"sqlite:///{Path(task.folder) / 'ledger.sqlite'}"
    if task.database is not None:
        os.environ[_LEDGER] = task.database.replace("postgresql://", "postgresql+psycopg2://")
    text = _SETTINGS
    for name, url in urls.items():
        text += f"[destinations.{name}]\nconcurrency = {task.in_flight}{_RECEIVERS[kind].replace('URL', url)}"
    return Settings(**tomllib.loads(text), home=Path(task.folder))


@contextmanager
def open_shop(kind: str, task: Task, *, others: Mapping[str, str] | None = None, new: bool = False) -> Iterator[Shop]:
    """The task's deployment; `others` are further destinations and their URLs, `new` creates the ledger."""
    settings = _settings(kind, {NAME: task.url, **(others or {})}, task)
    if new:
        create_ledger(settings.ledger_url(), settings.environment)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        yield Shop(settings, ledger)


def sample_body() -> str:
    """What this project's webhook sends about one conversion, `KEY` in place of its key."""
    with tempfile.TemporaryDirectory() as folder:
        task = Task("sample", 1, 1, "http://127.0.0.1:9", "", folder)
        with open_shop("webhook", task, new=True) as shop, open_outbox(Path(folder)) as connection:
            shop.enqueue(connection, NAME, task.label, range(1))
            (peeked,) = shop.ledger.peek(NAME, 1)
    return peeked.element.replace(peeked.key, KEY)
