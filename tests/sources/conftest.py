"""A landing folder and a warehouse to load it into."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from postback_pipeline.settings import AnySource, FolderSource, Settings
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.load import load_entity
from postback_pipeline.sources.results import EntityLoad, LoadError
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

LOADED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)

ORDER = {
    "order_id": "1001",
    "ordered_at": "2024-05-31T18:03:00+02:00",
    "status": "paid",
    "amount": "10.50",
    "currency": "EUR",
}
REFUND = {
    "refund_id": "R1",
    "order_id": "1001",
    "refunded_at": "2024-06-01T09:00:00Z",
    "amount": "4.00",
    "currency": "EUR",
    "kind": "refund",
}
CLICK = {"click_id": "c1", "clicked_at": "2024-05-31T15:00:00Z"}


class Shop:
    """A landing folder below `home`, and what loading it gives."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, home: Path) -> None:
        self.connection = connection
        self.home = home
        self.landing = home / "landing"
        self.landing.mkdir(parents=True)
        self._clock = 1_700_000_000

    def write(self, name: str, content: bytes | str) -> Path:
        """Writes a file below the landing folder; each one is a second younger than the one before."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data, mtime=0) if name.lower().endswith(".gz") else data)
        self._clock += 1
        os.utime(path, (self._clock, self._clock))
        return path

    def write_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        """The rows as the format that the name asks for; all of them need the same columns in CSV."""
        if ".jsonl" in name:
            return self.write(name, jsonl(rows))
        if name.endswith(".parquet"):
            return self.write(name, parquet(rows))
        return self.write(name, csv_text(rows))

    def load(self, entity: str = "orders", source: AnySource | None = None, **declared: Any) -> EntityLoad:
        """Loads one entity from a folder source with the declarations given, or from `source`."""
        chosen = source or FolderSource(kind="folder", **declared)
        settings = Settings(sources={"shop": chosen}, home=self.home)
        return load_entity(self.connection, entity, settings, loaded_at=LOADED_AT)

    def refused(self, entity: str = "orders", **declared: Any) -> str:
        """Loads one entity, of which something must be refused; gives the sentences."""
        with pytest.raises(LoadError) as caught:
            self.load(entity, **declared)
        return "\n".join(str(refusal) for refusal in caught.value.load.refused)

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def values(self, column: str, entity: str = "orders") -> list[Any]:
        """One column of what was loaded, in the order it came in."""
        return [row[0] for row in self.select(f'select "{column}" from raw.{entity} order by _seen, _row_number')]

    def reasons(self, entity: str = "orders") -> list[str]:
        """Why rows are in quarantine, in the order of the file."""
        return [
            row[0]
            for row in self.select(f"select reason from raw.quarantine where entity = '{entity}' order by row_number")
        ]

    def judge(self, column: str, values: Sequence[Any], **declared: Any) -> list[tuple[Any, str | None]]:
        """Orders that differ in one column: for each, what was loaded there, or None and why it was not."""
        # A good one beside them keeps the file usable if none of them is.
        rows = [ORDER, *({**ORDER, column: value} for value in values)]
        self.write_rows("orders/judged.jsonl", rows)
        self.load("orders", **declared)
        loaded = dict(self.select(f'select _row_number, "{column}" from raw.orders'))
        reasons = dict(self.select("select row_number, reason from raw.quarantine"))
        numbers = range(2, len(rows) + 1)
        return [(loaded.get(number), reasons.get(number)) for number in numbers]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that was loaded and quarantined, to compare."""
        return {name: sorted(self.select(f"from raw.{name}"), key=repr) for name in (*ENTITIES, "quarantine")}


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first row's columns, in its order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def jsonl(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), sink)
    return bytes(sink.getvalue())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_warehouse(Path(":memory:")) as connection:
        create_raw_tables(connection)
        yield Shop(connection, tmp_path)


@pytest.fixture
def order() -> dict[str, Any]:
    """A good order."""
    return dict(ORDER)


@pytest.fixture
def refund() -> dict[str, Any]:
    """A good refund."""
    return dict(REFUND)


@pytest.fixture
def click() -> dict[str, Any]:
    """A good click."""
    return dict(CLICK)
