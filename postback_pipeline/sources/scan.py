"""What DuckDB can select from: a file, or the chunks of a database's answer, as columns of text.

Belongs here: the shape that every way in gives its rows. Does not belong here: how one of them is opened
(`csv_file.py`, `jsonl_file.py`, `parquet_file.py`, `database.py`).

Nothing that makes a scan lets DuckDB guess a type or pass over a row: no sniffing, no `ignore_errors`, no rejects.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.sql import literal


class Native(StrEnum):
    """What a format that has types of its own says about a value; the text is how people call it."""

    NESTED = "a list or an object"
    FRACTION = "a number with decimals"
    WHOLE = "a whole number"
    BOOLEAN = "true or false"
    MOMENT = "a date or time"
    BINARY = "binary data"


@dataclass(frozen=True, slots=True)
class Scan:
    """One file, or one answer of a database."""

    #: What stands behind FROM.
    relation: str
    #: The source's own column -> SQL for its value as text.
    columns: Mapping[str, str]
    #: Column -> what its values are, where the format tells.
    natives: Mapping[str, frozenset[Native]] = field(default_factory=dict)
    #: How many rows it must give, by another count than DuckDB's; None: there is no other.
    rows: int | None = None
    #: What was found wrong with it by another reading than DuckDB's, which may know better and is asked first.
    doubt: str | None = None


def refuse_duplicates(names: Iterable[str]) -> None:
    """A column that is named twice has no one value.

    Raises:
        Refused: there is one.
    """
    for column, count in Counter(names).items():
        if count > 1:
            raise Refused(f"it names the column {column!r} twice. Name one of them otherwise.")


def path_literal(path: Path) -> str:
    """A path for DuckDB's readers, which take it as a glob: in brackets, a character stands for itself."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))
