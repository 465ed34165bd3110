"""`make demo`: the sample shop's two days, from landing files to accepted postbacks, and what came of them.

Belongs here: the order of events and how they are told. Does not belong here: the shop's rows (`shop.py`), and anything
that a deployment would have to copy from here: it runs what `postback run` runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from postback_pipeline.model import PostbackError

SEED = 20
PORT = 8787
CHECKOUT = Path(__file__).parents[2]
HOME = CHECKOUT / "data" / "demo"
CONFIG = Path("examples/demo/postbacks.toml")
#: Signs what goes to the stand-in of a CRM; worth nothing anywhere else.
SECRET = "whsec_ZGVtbyBvbmx5LCB3b3J0aCBub3RoaW5n"

console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def main() -> None:
    """Runs the demo in `data/demo`, which is made anew."""
    os.chdir(CHECKOUT)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    os.environ.update(POSTBACK_CONFIG=str(CONFIG.absolute()), POSTBACK_HOME=str(HOME), DEMO_WEBHOOK_SECRET=SECRET)
    os.environ.pop("DAGSTER_HOME", None)
    try:
        with sandbox():
            play()
    except PostbackError as error:
        sys.exit(str(error))


def play() -> None:
    """Day one, day two, what to open next."""
    # Imported late: Dagster takes its settings from the environment that `main` prepares.
    from examples.demo.shop import write_day_one, write_day_two
    from postback_pipeline.defs.runs import run_pipeline
    from postback_pipeline.ledger import create_ledger
    from postback_pipeline.settings import load_settings

    settings = load_settings()
    today = datetime.now(UTC).date()
    identity = create_ledger(settings.ledger_url(), settings.environment)
    say(f"A ledger for environment {identity.environment} was created: data/demo/{settings.ledger.file}")

    days: dict[str, dict[str, Any]] = {}
    for day, write in (("day one", write_day_one), ("day two", write_day_two)):
        console.rule(f"{day}: {(len(days) and 'a day later') or 'four weeks of a shop'}")
        files = write(HOME / "landing", today, SEED)
        say(f"{len(files)} landing files written to data/demo/landing")
        began = time.monotonic()
        days[day] = run_pipeline(settings, None, progress=say)
        say(f"landing to metrics in {time.monotonic() - began:.0f} s")
        tell_destinations(days[day])
    console.rule("What happened")
    tell_days(days)
    what_next()


def tell_destinations(summary: dict[str, Any]) -> None:
    """What each destination should know, and what it knows."""
    show(
        ("destination", "eligible", "matched", "sent", "accepted", "adjusted", "waiting", "unclear", "refused",
         "should know", "knows", "variance"),
        [
            (
                each["destination"],
                each["eligible_conversions"],
                each["matched_conversions"],
                each["sent_postbacks"],
                each["accepted_postbacks"],
                each["accepted_adjustments"],
                each["waiting_postbacks"],
                each["unknown_postbacks"],
                each["rejected_postbacks"],
                money(each["desired_value"]),
                f"{money(each['accepted_value'])} {each['currency']}",
                share(each["delivery_variance"]),
            )
            for each in summary["destinations"]
        ],
    )  # fmt: skip


#: What the last table tells -> where the run's summary has it, and in which column.
FIGURES = (
    ("rows loaded", "loaded", "loaded"),
    ("rows in quarantine", "loaded", "quarantined"),
    ("conversions eligible, over all destinations", "destinations", "eligible_conversions"),
    ("... of them matched", "destinations", "matched_conversions"),
    ("postbacks sent", "destinations", "sent_postbacks"),
    ("... accepted", "destinations", "accepted_postbacks"),
    ("... of them adjustments", "destinations", "accepted_adjustments"),
    ("... refused", "destinations", "rejected_postbacks"),
    ("... unclear, parked for a person", "destinations", "unknown_postbacks"),
    ("postbacks waiting for another try", "destinations", "waiting_postbacks"),
)


def tell_days(days: dict[str, dict[str, Any]]) -> None:
    """Both days side by side, over all destinations."""

    def total(day: dict[str, Any], table: str, column: str) -> Decimal:
        return sum((Decimal(each[column]) for each in day[table]), Decimal(0))

    rows = [(what, *(f"{total(day, *where):,}" for day in days.values())) for what, *where in FIGURES]
    should = [total(day, "destinations", "desired_value") for day in days.values()]
    known = [total(day, "destinations", "accepted_value") for day in days.values()]
    rows += [
        ("EUR that destinations should know", *map(money, should)),
        ("EUR that they know", *map(money, known)),
        ("variance", *(share(float(k / s - 1)) for k, s in zip(known, should, strict=True))),
    ]
    show(("", *days), rows)


def money(value: str | Decimal) -> str:
    """An amount for people."""
    return f"{Decimal(value):,.2f}"


def share(value: float | None) -> str:
    """A signed percentage; nothing where there is none."""
    return "" if value is None else f"{value:+.2%}"


def what_next() -> None:
    """Commands that look at what is there now."""
    here = f"POSTBACK_CONFIG={CONFIG} POSTBACK_HOME=data/demo DEMO_WEBHOOK_SECRET={SECRET}"
    console.rule("What to open next")
    for command, what in (
        (f"{here} make dev", "the Dagster UI: assets, checks, schedules, the delivery sensor"),
        (f"{here} .venv/bin/postback trace ORDER", "the story of one order; ids are in data/demo/landing/orders"),
        (f"{here} .venv/bin/postback ledger status", "what waits, what is parked, what is paused"),
        (f".venv/bin/postback sandbox --port {PORT} --log data/demo/received.jsonl",
         f"the receivers' page on http://127.0.0.1:{PORT}, with everything they got"),
    ):  # fmt: skip
        console.print(f"  {command}", style="bold", soft_wrap=True)
        console.print(f"      {what}")
    console.print("  data/demo/published/warehouse.duckdb", style="bold")
    console.print("      marts.decisions tells why; metrics.reconciliation_causes explains every difference")


@contextmanager
def sandbox() -> Iterator[None]:
    """The stand-in network in a process of its own, for as long as the demo runs.

    Raises:
        PostbackError: it did not start; its own words are on the terminal.
    """
    command: Sequence[str] = (
        str(Path(sys.executable).with_name("postback")), "sandbox", "--port", str(PORT),
        "--log", str(HOME / "received.jsonl"), "--config-file", "examples/demo/sandbox.toml",
    )  # fmt: skip
    process = subprocess.Popen(command)
    try:
        for _ in range(100):
            if process.poll() is not None:
                raise PostbackError("The sandbox network did not start.")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/_received.json", timeout=1):
                    pass
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
                continue
            # Another program may have answered in its place.
            time.sleep(0.2)
            if process.poll() is None:
                break
        yield
    finally:
        process.terminate()
        process.wait()


def show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; everything but the first column to the right."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
    console.print()


def say(line: str) -> None:
    """One line of progress."""
    console.print(f"  {line}", style="dim")


if __name__ == "__main__":
    main()
