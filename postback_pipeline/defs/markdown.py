"""How values of ours are shown in the UI, which renders Markdown.

Belongs here: tables and charts as Markdown. Does not belong here: what is in them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import dagster as dg
import pandas as pd

#: What Markdown reads as more than a letter.
MARKUP = frozenset("\\`*_{}[]<>()#+!|~")


#: Eighths of a character cell, from nothing to full.
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_CHART_ROWS = 6
_CHART_COLUMNS = 61


class Markdown(str):
    """Text that is Markdown already."""


def link(text: str, address: str) -> Markdown:
    """A link; `address` is ours, so it is taken as it is."""
    return Markdown(f"[{_cell(text)}]({address})")


def chart_of(counts: Sequence[int], bucket_seconds: float) -> str:
    """Bars over time, as a block of text that every browser shows: postbacks per second in each bucket."""
    highest = max(counts)
    heights = [round(count / highest * _CHART_ROWS * 8) for count in counts]
    rows = [
        "".join(_EIGHTHS[min(8, max(0, height - 8 * row))] for height in heights)
        for row in reversed(range(_CHART_ROWS))
    ]
    top = f"{highest / bucket_seconds:,.1f}/s"
    left = [top, *[""] * (_CHART_ROWS - 1)]
    lines = [f"{label:>{len(top)}} |{row}" for label, row in zip(left, rows, strict=True)]
    end = f"{len(counts) * bucket_seconds:,.1f} s"
    axis = f"{'0':>{len(top)}} +{'-' * len(counts)}"
    scale = f"{'':>{len(top)}}  0{end:>{max(len(end) + 1, len(counts) - 1)}}"
    return "\n".join(["```", *lines, axis, scale, "```"])


def interval_chart(intervals: Mapping[str, tuple[float, float, float]]) -> str:
    """Intervals on one scale, as a block of text: low, estimate and high of each, shares; a bar stands at zero."""
    if not intervals:
        return "Nothing can be compared yet."
    least = min(0.0, *(low for low, _, _ in intervals.values()))
    most = max(0.0, *(high for _, _, high in intervals.values()))
    scale = (_CHART_COLUMNS - 1) / ((most - least) or 1)
    width = max(len(name) for name in intervals)
    lines = []
    for name, values in intervals.items():
        low, middle, high = (round((value - least) * scale) for value in values)
        cells = [*(" " * low), *("-" * (high - low + 1)), *(" " * (_CHART_COLUMNS - high - 1))]
        cells[round(-least * scale)] = "|"
        cells[middle] = "o"
        lines.append(f"{name:<{width}}  {''.join(cells)}  {values[0]:+.1%} {values[1]:+.1%} {values[2]:+.1%}")
    return "\n".join(["```", *lines, "```"])


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A table. Whatever receivers and people wrote in it stays text: no markup, no link, no control codes."""
    return dg.MetadataValue.md(table_text(columns, rows))


def table_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same as text, to stand among other text."""
    cells = [[_cell(value) for value in row] for row in rows]
    frame = pd.DataFrame(cells, columns=list(columns))
    # Numbers stay as they were written: an order may be called 1e5 or 007.
    return frame.to_markdown(index=False, disable_numparse=True)


def _cell(value: object) -> str:
    if value is None or isinstance(value, Markdown):
        return value or ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return "".join(f"\\{each}" if each in MARKUP else each for each in shown)
