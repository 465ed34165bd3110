"""How results reach a person or a machine.

Belongs here: tables, JSON, times and amounts as text. Does not belong here: what is in them. Values may come from
outside, so nothing in them is taken for markup or for a terminal's control codes.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import typer

#: Where the output is no terminal: rows stay on one line each, for other programs.
WIDE = 240


def print_json(value: object) -> None:
    """Prints dataclasses, mappings and lists as JSON; times in ISO 8601, amounts as text."""
    typer.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Prints a table, or only its title and "none"."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [[Text(readable(cell)) for cell in row] for row in rows]
    if title:
        typer.echo(title if shown else f"{title}: none")
    if not shown:
        return
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in shown:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Prints one line per field that has a value."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        if text := readable(value):
            typer.echo(f"  {name:<{width}}  {text}")


def readable(value: object) -> str:
    """A value as one line of plain text; nothing for None, times in UTC to the second, ages, amounts in major units."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, timedelta):
        return _age(value)
    if isinstance(value, Decimal):
        return _amount(value)
    if isinstance(value, list | tuple):
        return ", ".join(readable(each) for each in value)
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(value))


def _age(value: timedelta) -> str:
    """Its two largest units: 3 d 4 h, 5 min 20 s."""
    seconds = max(0, int(value.total_seconds()))
    parts = [(seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def _amount(value: Decimal) -> str:
    """Without the zeros that a column's scale adds, but 10.50 rather than 10.5."""
    whole, point, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{point}{fraction:0<2}" if fraction else whole


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
