"""How instants, amounts and names are stored, the same on SQLite and PostgreSQL.

Belongs here: column types. Does not belong here: tables (`schema`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, DateTime, Dialect, Integer, Text, type_coerce
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

#: Where a receiver sets no limit: a real instant, so that "soonest first, no limit last" is the order of an index.
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)

#: Before everything that is stored.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: The smallest difference between two rates.
_RATE_STEP = Decimal("1e-12")

#: A text as JSON writes it, without escapes for what is not ASCII.
_quoted = json.encoder.encode_basestring

#: SQLite numbers rows by itself only in an INTEGER key.
RowId = BigInteger().with_variant(Integer(), "sqlite")


def instant_text(value: datetime) -> str:
    """UTC as SQLite stores it and PostgreSQL reads it, in the order of time.

    Raises:
        ValueError: it carries no zone.
    """
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"{value} carries no time zone.")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")


def amount_text(value: Decimal) -> str:
    """Plain notation, never an exponent."""
    return f"{value:f}"


def rate_text(value: Decimal) -> str:
    """Plain notation without zeros at the end.

    Raises:
        ValueError: `is_rate` denies it.
    """
    if not is_rate(value):
        raise ValueError(f"{value} is no rate of exchange.")
    return f"{value.normalize():f}"


def names_text(names: Mapping[str, str]) -> str:
    """A JSON object with its keys in order, so that equal mappings are equal texts."""
    return "{" + ", ".join([f"{_quoted(name)}: {_quoted(names[name])}" for name in sorted(names)]) + "}"


@lru_cache(4_096)
def read_instant(value: str | datetime) -> datetime:
    """The instant that a database gave, UTC. Remembered: what was enqueued or claimed together shares its instants."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(UTC)


@lru_cache(4_096)
def read_deadline(value: str | datetime) -> datetime | None:
    """As `read_instant`, and None for `FOREVER`."""
    found = read_instant(value)
    return None if found == FOREVER else found


def as_given(column: ColumnElement[datetime] | Column[datetime]) -> ColumnElement[Any]:
    """An instant as the database gives it, for `read_instant`: where it is selected for every attempt."""
    return type_coerce(column, NullType()).label(column.name)


class Instant(TypeDecorator[datetime]):
    """A timezone-aware instant, UTC. SQLite has no such type: there it is a text in the order of time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLAlchemy's own text format knows no zone."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses an instant without a zone."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return instant_text(value)
        if value.tzinfo is None:
            raise ValueError(f"{value} carries no time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always UTC."""
        return None if value is None else read_instant(value)


class Deadline(Instant):
    """An instant, or None for no limit, stored as one that sorts last."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """None is stored as `FOREVER`."""
        return super().process_bind_param(FOREVER if value is None else value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """`FOREVER` is read as None."""
        return None if value is None else read_deadline(value)


class Amount(TypeDecorator[Decimal]):
    """Money in major units, stored as the decimal's text: exact on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """As `amount_text`."""
        return None if value is None else amount_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """The decimal that was stored, digit for digit."""
        return None if value is None else Decimal(value)


class Rate(TypeDecorator[Decimal]):
    """A rate of exchange, stored as the decimal's text: exact on both databases, and to the warehouse and back."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """As `rate_text`."""
        return None if value is None else rate_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """The rate that was stored."""
        return None if value is None else Decimal(value)


def is_rate(value: Decimal) -> bool:
    """Whether it is above zero and fits the warehouse's DECIMAL(28,12): 16 digits before the point, 12 after it."""
    try:
        return value > 0 and value == value.quantize(_RATE_STEP)
    except InvalidOperation:
        return False


class Names(TypeDecorator[Mapping[str, str]]):
    """A small mapping of text to text, stored as a JSON object."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str:
        """As `names_text`; none is the empty object."""
        return names_text(value or {})

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, str]:
        """A plain dictionary."""
        found: dict[str, str] = json.loads(value or "{}")
        return found
