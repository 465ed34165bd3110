"""One CSV that people edit -> rows of one type, with every mistake in it as a sentence.

Belongs here: reading the file, its header and its cells. Does not belong here: what a cell may hold (the row's type,
as in `definition_types.py`), rules between rows and files (`definition_rules.py`).
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

Row = TypeVar("Row")

#: Said once below the mistakes, since people count rows in different ways.
COUNTING = "Rows are counted as a spreadsheet shows them: the header is row 1."


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """A file as far as it could be read, by row number (the header is row 1)."""

    file: Path
    #: Every row's cells that are not empty, also of rows in which something is wrong.
    cells: dict[int, dict[str, str]] = field(default_factory=dict)
    #: The rows in which nothing is wrong.
    rows: dict[int, Row] = field(default_factory=dict)
    #: False: the file is missing, or no table, or its header is wrong; nothing can be said about what it holds.
    readable: bool = True
    #: False: there is no such file.
    exists: bool = True

    def repeated(self, columns: tuple[str, ...], what: str) -> Iterator[str]:
        """A sentence for every row whose cells in `columns` are all filled and stand in an earlier row.

        `what` is its text, in which the first {} is what stands there, the second the earlier row's number.
        """
        first: dict[tuple[str, ...], int] = {}
        for row_number, cells in self.cells.items():
            key = tuple(cells.get(column, "") for column in columns)
            if all(key) and first.setdefault(key, row_number) != row_number:
                yield self.mistake(row_number, columns[-1], what.format(" + ".join(map(repr, key)), first[key]))

    def mistake(self, row_number: int, column: str, what: str) -> str:
        """One sentence about one cell."""
        return f"{self.file}, row {row_number}, column {column}: {what}."


def read_table(
    file: Path,
    row_type: type[Row],
    mistakes: list[str],
    *,
    must_have: tuple[str, ...] = (),
    may_be_missing: bool = False,
) -> Table[Row]:
    """Reads `file`; a sentence is added to `mistakes` for everything that is wrong in it.

    An empty cell counts as absent. A column without a default must be there, and so must those of `must_have`, whose
    cells may be empty. Blank rows are skipped. A file that `may_be_missing` has no rows where it is not there.
    """
    table: Table[Row] = Table(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header, *body = list(csv.reader(lines, strict=True)) or [[]]
    except FileNotFoundError:
        if may_be_missing:
            return dataclasses.replace(table, exists=False)
        mistakes.append(f"{file}: there is no such file. Create it, with a header at least.")
        return dataclasses.replace(table, readable=False, exists=False)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.append(f"{file}: this cannot be read as a CSV file in UTF-8 ({error}). Save it as one.")
        return dataclasses.replace(table, readable=False)
    header = [cell.strip() for cell in header]
    wrong = list(_header_mistakes(table, header, row_type, must_have))
    mistakes.extend(wrong)
    if wrong:
        return dataclasses.replace(table, readable=False)
    adapter = TypeAdapter(row_type)
    for row_number, cells in enumerate(body, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            mistakes.append(
                f"{file}, row {row_number}: it has {len(cells)} cells and the header has {len(header)}."
                " Put a cell that holds a comma into double quotes."
            )
            continue
        values = {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()}
        table.cells[row_number] = values
        try:
            table.rows[row_number] = adapter.validate_python(values)
        except ValidationError as error:
            mistakes.extend(table.mistake(row_number, str(each["loc"][0]), _what(each)) for each in error.errors())
    return table


def _header_mistakes(
    table: Table[Row], header: list[str], row_type: type[Row], must_have: tuple[str, ...]
) -> Iterator[str]:
    fields = {each.name: each for each in dataclasses.fields(row_type)}  # type: ignore[arg-type]
    for column in dict.fromkeys(header):
        if column not in fields:
            yield table.mistake(1, column or "without a name", f"unknown; the columns are {', '.join(fields)}")
        elif header.count(column) > 1:
            yield table.mistake(1, column, "it is there more than once")
    for name, each in fields.items():
        required = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if (required or name in must_have) and name not in header:
            yield table.mistake(1, name, "it is missing")


def _what(error: ErrorDetails) -> str:
    given = repr(error["input"])
    limits = error.get("ctx", {})
    said = {
        "missing": "a value is required here",
        "too_short": "a value is required here",
        "int_parsing": f"{given} is not a whole number",
        "bool_parsing": f"{given} is neither true nor false",
        "greater_than_equal": f"{given} is too small; the least is {limits.get('ge')}",
        "less_than_equal": f"{given} is too large; the most is {limits.get('le')}",
        "enum": f"{given} is unknown; it may be {limits.get('expected')}",
        "literal_error": f"{given} is unknown; it may be {limits.get('expected')}",
    }
    return said.get(error["type"], error["msg"].removeprefix("Value error, "))
