"""Tables of a page: how each column reads, sorting by a link, and the same as CSV.

Belongs here: that, for every table alike. Does not belong here: what is in a table, its HTML (`templates/parts.html`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from postback_pipeline.pictures.question import Answer
from postback_pipeline.story.readable import readable

Row = Mapping[str, Any]
#: What spreadsheets would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under the names of their columns."""

    name: str
    title: str
    answer: Answer
    #: Column -> where a cell of it leads, by its row.
    links: Mapping[str, Callable[[Row], str | None]] = field(default_factory=dict)
    #: Columns that are not shown, only handed to links.
    hidden: Sequence[str] = ()
    #: Currency of amounts in tables without a column of that name.
    currency: str | None = None
    #: What is said where there are no rows.
    empty: str = "None."

    @property
    def columns(self) -> list[str]:
        """Those that are shown."""
        return [column for column in self.answer.columns if column not in self.hidden]

    def is_number(self, column: str) -> bool:
        """Whether it is set to the right."""
        values = (row[column] for row in self.answer.records() if row[column] is not None)
        return isinstance(next(values, None), int | float | Decimal)

    def cells(self, row: Row) -> list[tuple[str, str, str | None]]:
        """Column, text and link of each cell of a row."""
        linked = ((column, self.links.get(column)) for column in self.columns)
        return [(column, self.text(column, row), link and link(row)) for column, link in linked]

    def text(self, column: str, row: Row) -> str:
        """One cell as people read it."""
        value = row[column]
        if isinstance(value, float | Decimal) and column.endswith(("_rate", "_share")):
            return f"{value:.1%}"
        if isinstance(value, Decimal) and column.endswith("value"):
            return money(value, self.currency or row.get("currency"))
        if isinstance(value, float | Decimal) and "_seconds_" in column:
            return readable(timedelta(seconds=float(value)))
        return shown(value)

    def sorted_by(self, column: str | None, *, descending: bool) -> Table:
        """The same, in another order; rows without a value last."""
        if column not in self.answer.columns:
            return self
        place = self.answer.columns.index(column)
        there = [row for row in self.answer.rows if row[place] is not None]
        there.sort(key=lambda row: row[place], reverse=descending)
        rows = (*there, *(row for row in self.answer.rows if row[place] is None))
        other = Answer(self.answer.columns, rows)
        return Table(self.name, self.title, other, self.links, self.hidden, self.currency, self.empty)

    def csv(self) -> str:
        """With a line of names; amounts and shares in full, times in ISO 8601."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.columns)
        for row in self.answer.records():
            writer.writerow([_cell(row[column]) for column in self.columns])
        return out.getvalue()


def shown(value: object) -> str:
    """A value as text: counts in groups of three, times with their zone."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return readable(value)


def money(amount: Decimal | None, currency: str | None) -> str:
    """To the cent, with its currency; an amount with more digits keeps them."""
    if amount is None:
        return ""
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{digits}f} {currency or ''}".strip()


def _cell(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
