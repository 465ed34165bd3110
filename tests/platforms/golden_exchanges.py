"""Recorded conversations with platforms: `golden/PLATFORM/` with settings, exchanges, and the rows they come to.

The replies are in the shapes that the vendors document; asks and rows are what our platforms make of them:
`python -m tests.platforms.write_golden PLATFORM ...` writes those anew, and what it changes is for a person to read.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from postback_pipeline.destinations.base import Reply
from postback_pipeline.platforms import PLATFORMS
from postback_pipeline.platforms.base import Ask, Platform, Report
from postback_pipeline.platforms.days import Days

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """One folder."""

    name: str
    account: str
    days: Days
    events: tuple[str, ...]
    options: dict[str, Any]
    #: Each with `ask` and `reply`, the JSON that came back.
    exchanges: list[dict[str, Any]]

    def platform(self, base_url: str = "") -> Platform:
        """The platform with this folder's options, at its own address or another one."""
        kind = PLATFORMS[self.name]
        return kind(kind.options_type(**self.options), base=base_url or kind.home)


def golden(name: str) -> Golden:
    """The folder of a platform."""
    own = tomllib.loads((GOLDEN / name / "settings.toml").read_text(encoding="utf-8"))
    days = Days(own["first"], own["last"], ZoneInfo(own["zone"]))
    exchanges = json.loads((GOLDEN / name / "exchange.json").read_text(encoding="utf-8"))
    return Golden(name, own["account"], days, tuple(own["events"]), own.get("options", {}), exchanges)


def reply_of(exchange: dict[str, Any]) -> Reply:
    """What the platform answers."""
    return Reply(200, {}, body_of(exchange["reply"]))


def body_of(reply: Any) -> bytes:
    """A recorded reply as bytes: JSON, or where it is `{"zip": text}` a zipped file."""
    if not isinstance(reply, dict) or reply.keys() != {"zip"}:
        return json.dumps(reply).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.csv", str(reply["zip"]))
    return written.getvalue()


def ask_of(ask: Ask) -> dict[str, Any]:
    """An ask as it stands in a folder."""
    written: dict[str, Any] = {"method": ask.method, "url": ask.url}
    if ask.headers:
        written["headers"] = dict(ask.headers)
    if ask.body:
        written["body"] = json.loads(ask.body)
    if not ask.with_credentials:
        written["with_credentials"] = False
    return written


def converse(
    found: Golden, change: Callable[[int, dict[str, Any]], dict[str, Any]] = lambda _, exchange: exchange
) -> tuple[list[Ask], Report]:
    """All that is asked where each reply is as it was recorded, and what is made of it."""
    conversation = found.platform().conversation(found.account, found.days, found.events)
    asks = [next(conversation)]
    for number, exchange in enumerate(found.exchanges):
        try:
            asks.append(conversation.send(reply_of(change(number, exchange))))
        except StopIteration as end:
            report: Report = end.value
            return asks, report
    raise AssertionError(f"{asks[-1]} is asked, which nobody recorded.")


def rows_text(report: Report) -> str:
    """A report's rows as a table."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("day", "event", "conversions", "value", "currency"))
    for row in report.rows:
        value = "" if row.value is None else f"{row.value:f}"
        writer.writerow((row.day.isoformat(), row.event, f"{row.conversions:f}", value, row.currency or ""))
    return written.getvalue()


def diagnostics_text(report: Report) -> str:
    """A report's diagnostics as a table."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("subject", "measure", "said"))
    writer.writerows((each.subject, each.measure, each.said) for each in report.diagnostics)
    return written.getvalue()
