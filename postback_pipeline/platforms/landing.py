"""Pulled rows on their way into the landing folder: as files of `platform_reports`, like those that people upload.

A file holds what is new or restated since the last pull, so that the versions of a day are kept; a number that is no
longer told becomes a row of zero. Each has the moment of its pull in every row: a file with the rows of an older one
would count as that one, and a day that was restated back to what it was would stay as it was in between.

Belongs here: what was landed before, what changed, writing a file whole or not at all. Does not belong here: loading
it (`sources`).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from postback_pipeline.platforms.base import PullError
from postback_pipeline.platforms.days import Days

ENTITY = "platform_reports"
FOLDER = "pulled"
COLUMNS = (
    *("date", "destination", "event", "conversions", "value", "currency", "time_zone", "attribution_window"),
    "pulled_at",
)


class Key(NamedTuple):
    """What a number is about; a newer one with the same key takes its place."""

    day: date
    event: str
    currency: str | None
    window: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many, and what they are worth."""

    conversions: Decimal
    value: Decimal | None

    def __add__(self, other: Numbers) -> Numbers:
        known = [value for value in (self.value, other.value) if value is not None]
        return Numbers(self.conversions + other.conversions, sum(known, Decimal(0)) if known else None)


def folder_of(landing: Path, report: str) -> Path:
    """Where the files of one report lie."""
    return landing / ENTITY / FOLDER / report


def landed(folder: Path, destination: str, zone: str) -> dict[Key, Numbers | None]:
    """What was landed so far about `destination`: of each key the newest, None where its day is not one of `zone`.

    Raises:
        PullError: a file is not as it was written.
    """
    known: dict[Key, Numbers | None] = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as handle:
            try:
                rows = [row for row in csv.DictReader(handle) if row["destination"] == destination]
                known |= {_key(row): _numbers(row) if row["time_zone"] == zone else None for row in rows}
            except (KeyError, ValueError, ArithmeticError, TypeError, csv.Error):
                raise PullError(
                    f"{file} is not as it was written. Take it away; what it held is pulled again."
                ) from None
    return known


def changed(known: Mapping[Key, Numbers | None], told: Mapping[Key, Numbers], days: Days) -> dict[Key, Numbers]:
    """What must be landed so that it says what was told about `days`."""
    news = {key: numbers for key, numbers in told.items() if known.get(key) != numbers}
    gone = {
        key: _nothing(key, numbers)
        for key, numbers in known.items()
        if days.first <= key.day <= days.last and key not in told and numbers != _nothing(key, numbers)
    }
    return dict(sorted({**news, **gone}.items(), key=lambda item: (item[0].day, item[0].event, str(item[0]))))


def land(folder: Path, destination: str, zone: str, rows: Mapping[Key, Numbers], pulled_at: datetime) -> Path:
    """Writes one file, whole: until its last byte is on disk it has a name that nobody loads."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{pulled_at.astimezone(UTC):%Y%m%dT%H%M%S%f}Z"
    file, unfinished = folder / f"{stamp}.csv", folder / f".{stamp}.unfinished"
    with unfinished.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_lines(destination, zone, rows, stamp))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(unfinished, file)
    return file


def _lines(destination: str, zone: str, rows: Mapping[Key, Numbers], stamp: str) -> Iterable[tuple[str, ...]]:
    for key, numbers in rows.items():
        value = "" if numbers.value is None else f"{numbers.value:f}"
        counted = (f"{numbers.conversions:f}", value, key.currency or "")
        yield (key.day.isoformat(), destination, key.event, *counted, zone, key.window, stamp)


def _nothing(key: Key, was: Numbers | None) -> Numbers:
    """As many, and worth as much, as nothing."""
    has_value = key.currency is not None if was is None else was.value is not None
    return Numbers(Decimal(0), Decimal(0) if has_value else None)


def _key(row: Mapping[str, str]) -> Key:
    return Key(date.fromisoformat(row["date"]), row["event"], row["currency"] or None, row["attribution_window"])


def _numbers(row: Mapping[str, str]) -> Numbers:
    return Numbers(Decimal(row["conversions"]), Decimal(row["value"]) if row["value"] else None)
