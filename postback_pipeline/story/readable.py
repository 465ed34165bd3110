"""Values as people read them, the same on the command line, in the console and in the report.

Belongs here: one value as one line of plain text. Does not belong here: layout.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal


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
