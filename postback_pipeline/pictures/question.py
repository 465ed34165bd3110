"""Asks the published warehouse: one statement per `.sql` file in `questions`, its answer as a plain table.

Belongs here: asking, and the sentence where the copy cannot be read. Does not belong here: the statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from postback_pipeline.model import PostbackError
from postback_pipeline.settings import Settings
from postback_pipeline.sources.warehouse import open_warehouse

_QUESTIONS = Path(__file__).with_name("questions")


class NothingPublished(PostbackError):
    """There is no published copy to ask, or not one of this version; the sentence says what to run."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of plain values in the order of `columns`; times are UTC, amounts `Decimal`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def records(self) -> list[dict[str, Any]]:
        """Each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Warehouse:
    """The published copy, open for reading."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def ask(self, question: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """The answer to `questions/QUESTION.sql`; of the parameters it takes those that it names.

        Raises:
            NothingPublished: the copy has not what is asked for.
        """
        statement = (_QUESTIONS / f"{question}.sql").read_text(encoding="utf-8")
        given = parameters or {}
        asked_for = {name: given[name] for name in re.findall(r"\$(\w+)", statement)}
        try:
            found = self._connection.execute(statement, asked_for)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise NothingPublished(
                "The published warehouse was not measured yet, or by another version. Run: postback run"
            ) from error
        columns = tuple(column[0] for column in found.description or ())
        return Answer(columns, tuple(found.fetchall()))

    def built_at(self) -> datetime | None:
        """The moment that all of it speaks of, UTC; None before the first build."""
        ((at,),) = self.ask("built").rows
        return None if at is None else at.astimezone(UTC)


@contextmanager
def published(settings: Settings) -> Iterator[Warehouse]:
    """The copy that people read; never the file that a build writes.

    Raises:
        NothingPublished: there is none, or it cannot be opened.
    """
    file = settings.published_path
    if not file.is_file():
        raise NothingPublished(f"There is no published warehouse at {file} yet. Run: postback run")
    try:
        with open_warehouse(file, read_only=True) as connection:
            yield Warehouse(connection)
    except duckdb.IOException as error:
        cause = str(error).partition("\n")[0]
        raise NothingPublished(f"The published warehouse {file} cannot be read: {cause}") from error
