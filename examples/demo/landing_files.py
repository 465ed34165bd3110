"""Rows -> landing files: CSV, JSON Lines, Parquet, plain or gzipped, by the file's name.

Belongs here: formats. The same rows give the same bytes, so a demo can be repeated. Does not belong here: what happens
in the shop (`shop.py`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet

Value = str | Decimal | datetime | date | bool | None
Row = dict[str, Value]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Writes a file; its columns are those that any row has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if path.suffix == ".parquet":
        whole = [{column: row.get(column) for column in columns} for row in rows]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(whole), path)
        return
    text = _csv(columns, rows) if ".csv" in path.name else _json_lines(rows)
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _csv(columns: list[str], rows: Sequence[Row]) -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({column: _text(value) for column, value in row.items()} for row in rows)
    return file.getvalue()


def _json_lines(rows: Sequence[Row]) -> str:
    return "".join(
        json.dumps({column: _text(value) for column, value in row.items() if value is not None}, ensure_ascii=False)
        + "\n"
        for row in rows
    )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str("" if value is None else value)
