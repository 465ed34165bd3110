"""How values of ours are shown in the UI, which renders Markdown.

Belongs here: tables and charts as Markdown. Does not belong here: what is in them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import dagster as dg
import pandas as pd

#: What Markdown reads as more than a letter.
MARKUP = frozenset("\\`*_{}[]<>()#+!|~")


class Link(str):
    """Text that is Markdown already."""


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A table. Whatever receivers and people wrote in it stays text: no markup, no link, no control codes."""
    cells = [[_cell(value) for value in row] for row in rows]
    frame = pd.DataFrame(cells, columns=list(columns))
    # Numbers stay as they were written: an order may be called 1e5 or 007.
    return dg.MetadataValue.md(frame.to_markdown(index=False, disable_numparse=True))


def _cell(value: object) -> str:
    if value is None or isinstance(value, Link):
        return value or ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return "".join(f"\\{each}" if each in MARKUP else each for each in shown)
