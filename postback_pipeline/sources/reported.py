"""A CSV of what a previous sender already reported -> values for the ledger's import.

Belongs here: what its rows are, and reading them. Does not belong here: what the ledger does with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from postback_pipeline.ledger import Reported
from postback_pipeline.model import PostbackError
from postback_pipeline.sources.definition_cells import CurrencyCode, Instant, Name, Text
from postback_pipeline.sources.definition_files import COUNTING, Table, read_table


class ImportFileError(PostbackError):
    """The file is wrong; the text has one sentence per mistake, each with file, row and column."""


def _identifiers(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    pairs = [part.partition("=") for part in cell.split("|") if part.strip()]
    if not all(separator and value for _, separator, value in pairs):
        raise ValueError("write identifiers like gclid=abc|fbclid=def")
    return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True)
class ReportedRow:
    """One conversion that one destination was told of, and accepted."""

    destination: str
    #: The event's name, a colon, the source's own id.
    conversion_key: Text
    event_name: Name
    #: The last total it was told, in major units.
    value: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]
    currency: CurrencyCode
    transaction_id: Text
    event_time: Instant
    click_id: Text | None = None
    identifiers: Annotated[dict[Name, str], BeforeValidator(_identifiers)] = field(default_factory=dict)


def read_reported(file: Path, *, destinations: Collection[str]) -> list[Reported]:
    """Reads and checks `file`; `destinations` are those that the settings configure.

    Raises:
        ImportFileError: anything is wrong; all mistakes at once.
    """
    mistakes: list[str] = []
    table = read_table(file, ReportedRow, mistakes)
    mistakes.extend(_check(table, destinations))
    if mistakes:
        raise ImportFileError("\n".join([*mistakes, COUNTING]))
    return [
        Reported(
            destination=row.destination,
            conversion_key=row.conversion_key,
            event_name=row.event_name,
            value=row.value,
            currency=row.currency,
            transaction_id=row.transaction_id,
            event_time=row.event_time,
            click_id=row.click_id,
            identifiers=row.identifiers,
        )
        for row in table.rows.values()
    ]


def _check(table: Table[ReportedRow], destinations: Collection[str]) -> Iterator[str]:
    first: dict[tuple[str, str], int] = {}
    for number, row in table.rows.items():
        if row.destination not in destinations:
            yield table.mistake(number, "destination", f"{row.destination!r} is not a destination of the settings")
        if not row.conversion_key.startswith(f"{row.event_name}:"):
            yield table.mistake(number, "conversion_key", f"it must begin with {row.event_name}:")
        earlier = first.setdefault((row.destination, row.conversion_key), number)
        if earlier != number:
            yield table.mistake(number, "conversion_key", f"it is there already in row {earlier}")
