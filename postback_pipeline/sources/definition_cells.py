"""What a cell of a CSV that people edit may hold: names, days, instants, currencies, lists, patterns.

Belongs here: kinds of cells, each with a sentence for what does not fit. Does not belong here: which columns a file
has (`definition_types.py`), rules between cells and rows (`definition_rules.py`).

Several values in a cell are separated by `|`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from postback_pipeline.sources.reference import currencies

#: What an `event_id_template` may name.
PLACEHOLDERS = ("order_id", "source_id", "transaction_id")
LONGEST_DAYS = 3_650

_CURRENCIES = frozenset(code for code, _ in currencies())

Value = TypeVar("Value")


def split(cell: object) -> object:
    """The values of a cell, without blank ones."""
    return tuple(part.strip() for part in cell.split("|") if part.strip()) if isinstance(cell, str) else cell


def distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The values, none of which may be there twice."""
    repeated = dict.fromkeys(str(value) for value in values if values.count(value) > 1)
    if repeated:
        raise ValueError(f"{', '.join(map(repr, sorted(repeated)))} is there twice")
    return values


def choices(allowed: Sequence[str]) -> str:
    """How a sentence lists what may stand in a cell."""
    *others, last = map(repr, allowed)
    return f"{', '.join(others)} or {last}" if others else last


def name(value: str) -> str:
    """A name of our own, as it stands in SQL."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(f"{value!r} is not a name: a lower-case letter, then lower-case letters, digits, underscores")
    return value


def instant(cell: object) -> object:
    """`2026-01-31` is midnight UTC; a time must carry its zone, or nobody knows which instant is meant."""
    if not isinstance(cell, str):
        return cell
    try:
        found = datetime.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(f"{cell!r} is not a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z") from error
    if found.tzinfo is None and len(cell) > len("2026-01-31"):
        raise ValueError(f"{cell!r} has no time zone; write it like 2026-01-31T09:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _scope(value: str) -> str:
    kind, separator, group = value.partition(":")
    if value == "network":
        return value
    if kind != "group" or not separator:
        raise ValueError(f"{value!r} is unknown; it may be 'network' or 'group:<name>'")
    return f"group:{name(group)}"


def _template(value: str) -> str:
    try:
        parts = list(Formatter().parse(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a template: {error}") from error
    named = [placeholder for _, placeholder, _, _ in parts if placeholder is not None]
    plain = all(not spec and conversion is None for _, _, spec, conversion in parts)
    if not plain or any(placeholder not in PLACEHOLDERS for placeholder in named):
        allowed = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise ValueError(f"{value!r} names something else than {allowed}")
    if not named:
        raise ValueError(f"{value!r} gives every conversion the same event id; name {{order_id}} or {{transaction_id}}")
    if len(named) > 1:
        raise ValueError(f"{value!r} names {len(named)} placeholders; an event id holds exactly one")
    return value


def text(value: str) -> str:
    """A text of any content, short enough and visible."""
    if not value.isprintable() or len(value) > 200:
        raise ValueError("this is longer than 200 characters or holds characters that do not print")
    return value


def _parameter(value: str) -> str:
    # It becomes part of a pattern in a model's SQL.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError(f"{value!r} is not a query parameter of letters, digits, underscores and hyphens")
    return value


def _currency(value: str) -> str:
    if value not in _CURRENCIES:
        raise ValueError(f"{value!r} is not an ISO 4217 currency")
    return value


def _digits(cell: object) -> object:
    # Python's own reading also takes 1_000, and digits of other scripts.
    if isinstance(cell, str) and not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", cell):
        raise ValueError(f"{cell!r} is not a decimal number such as 1234.50")
    return cell


def _major_units(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError(f"'{value}' is negative")
    if value != round(value, 4) or value >= Decimal(10) ** 14:
        raise ValueError(f"'{value}' has more than four decimals or fourteen digits before the point")
    return value


def _share(value: Decimal) -> Decimal:
    if not 0 < value < 1 or value != round(value, 4):
        raise ValueError(
            f"'{value}' is not a share between 0 and 1, with at most four decimals, such as 0.1 for a tenth"
        )
    return value


def _region_pairs(cell: object) -> object:
    """`bavaria:saxony | hesse:bremen`: pairs of regions, lower case, none of them there twice."""
    pairs = split(cell)
    if not isinstance(cell, str) or not isinstance(pairs, tuple):
        return cell
    found = [tuple(region.strip().lower() for region in pair.split(":")) for pair in pairs]
    for pair, regions in zip(pairs, found, strict=True):
        if len(regions) != 2 or not all(regions):
            raise ValueError(f"{pair!r} is no pair; write the region that is held out, a colon, and its twin")
    distinct(tuple(region for regions in found for region in regions))
    return tuple(found)


Name = Annotated[str, AfterValidator(name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(split), AfterValidator(distinct)]
Text = Annotated[str, AfterValidator(text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(split), AfterValidator(distinct), Field(min_length=1)]
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
SomeDays = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
Instant = Annotated[datetime, BeforeValidator(instant)]
Scope = Annotated[str, AfterValidator(_scope)]
Template = Annotated[str, AfterValidator(_template)]
Parameter = Annotated[str, AfterValidator(_parameter)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]
#: Major units, not below zero, as exact as the warehouse holds them.
Amount = Annotated[Decimal, BeforeValidator(_digits), AfterValidator(_major_units)]
#: More than nothing and less than all.
Share = Annotated[Decimal, BeforeValidator(_digits), AfterValidator(_share)]
#: Each: the region that is held out, and the one that it is compared with.
RegionPairs = Annotated[tuple[tuple[Text, Text], ...], BeforeValidator(_region_pairs)]
