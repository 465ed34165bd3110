"""How results reach a person or a machine.

Belongs here: tables, JSON, parts of a story as text. Does not belong here: what is in them. Values may come from
outside, so nothing in them is taken for markup or for a terminal's control codes.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import typer

from postback_pipeline.story.part import Part
from postback_pipeline.story.readable import readable

__all__ = ["print_fields", "print_json", "print_part", "print_table", "readable"]

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


def print_part(part: Part) -> None:
    """Prints one block of a story; what belongs to another block stands further in."""
    indent = "  " * part.depth
    if part.columns is None:
        typer.echo(f"{indent}{readable(part.heading)}")
    if part.sentence:
        typer.echo(f"{indent}  {readable(part.sentence)}")
    print_fields({f"{indent}{name}": value for name, value in part.facts.items()})
    if part.columns is not None:
        print_table(part.columns, part.rows, title=f"{indent}{readable(part.heading)}")
    typer.echo()


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
