"""What the landing contract is written in: kinds of columns, signs, columns, entities.

Belongs here: the vocabulary, and short ways to declare the columns that recur. Does not belong here: which entities
and columns there are (`contract.py`), how a kind is read and judged (`rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType


class ColumnKind(StrEnum):
    """What a column holds; the value is its type in the warehouse."""

    TEXT = "VARCHAR"
    TIME = "TIMESTAMPTZ"
    DATE = "DATE"
    DECIMAL = "DECIMAL(18,4)"
    #: What an amount is multiplied by: above zero, kept to twelve decimals.
    RATE = "DECIMAL(28,12)"
    BOOLEAN = "BOOLEAN"


class Sign(StrEnum):
    """Which signs an amount may have."""

    ANY = "any"
    POSITIVE = "positive"
    AS_REFUND = "as_refund"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity."""

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    required: bool = False
    #: A key that rows are joined by: control characters are no part of one.
    is_key: bool = False
    #: A text that may come as a number with decimals. In any other one 4711.0 would be another name than 4711.
    takes_decimals: bool = False
    #: The closed list of its values; empty: anything.
    allowed: tuple[str, ...] = ()
    #: Its text is an ISO 4217 code.
    is_currency: bool = False
    #: For an amount of money: the column that names its currency.
    currency: str | None = None
    #: For an amount: whether it may be below zero, or follows the sign of refunds that the source declares.
    sign: Sign = Sign.ANY
    #: A number from 0 to 1: a percentage would pass for a share a hundred times too large.
    is_share: bool = False
    #: An identity column in which a source's placeholder ids mean "nobody".
    takes_placeholder: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of record that comes in."""

    name: str
    #: The columns that name the fact a row is about.
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Its columns by their names."""
        return MappingProxyType({column.name: column for column in self.columns})


def key(name: str, *, required: bool = False, takes_placeholder: bool = False) -> Column:
    """A key that rows are joined by."""
    return Column(name, required=required, is_key=True, takes_placeholder=takes_placeholder)


def keys(*names: str) -> tuple[Column, ...]:
    """Optional keys."""
    return tuple(key(name) for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    """Optional texts of any content."""
    return tuple(Column(name) for name in names)


def choice(name: str, *allowed: str, required: bool = False) -> Column:
    """A text out of a closed list."""
    return Column(name, required=required, allowed=allowed)


def time(name: str, *, required: bool = False) -> Column:
    """An instant."""
    return Column(name, ColumnKind.TIME, required)


def day(name: str, *, required: bool = False) -> Column:
    """A calendar day, in the zone that its source counts days in."""
    return Column(name, ColumnKind.DATE, required)


def number(name: str, *, required: bool = False) -> Column:
    """A decimal number that names no currency."""
    return Column(name, ColumnKind.DECIMAL, required)


def share(name: str) -> Column:
    """A share of a whole, from 0 to 1."""
    return Column(name, ColumnKind.DECIMAL, is_share=True)


def money(name: str, currency: str = "currency", *, required: bool = False, sign: Sign = Sign.ANY) -> Column:
    """An amount in major units; `currency` is the column of the same row that names its currency."""
    return Column(name, ColumnKind.DECIMAL, required, currency=currency, sign=sign)


def currency(name: str = "currency", *, required: bool = False) -> Column:
    """An ISO 4217 code."""
    return Column(name, required=required, is_currency=True)


def flag(name: str) -> Column:
    """True, false, or not told."""
    return Column(name, ColumnKind.BOOLEAN)
