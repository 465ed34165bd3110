"""Each kind of column -> SQL: its value, and the sentences for everything that can be wrong with it.

Belongs here: every rule about a single row, once, generated from the contract. Does not belong here: rules about a
whole file (`rows.py`).

The SQL works on a relation that has every contract column as text, NULL where it is empty, and (for the sentences)
its value beside it under the column's name with a `!`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from postback_pipeline.settings import Source
from postback_pipeline.sources.contract_types import Column, ColumnKind, Entity, Sign
from postback_pipeline.sources.reference import currencies
from postback_pipeline.sources.scan import Native
from postback_pipeline.sources.sql import literal, literals, name

_CLOCK = r"\d{4}-\d{2}-\d{2}[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
_NAIVE = literal(_CLOCK)
_ZONED = literal(_CLOCK + r" ?(Z|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?)")
_DAY = literal(r"\d{4}-\d{2}-\d{2}")
#: Midnight is how some programs write a date.
_DATE = literal(r"\d{4}-\d{2}-\d{2}([T ]00:00:00(\.0+)?)?")
_NUMBER = literal(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_TRUE = literals(("true", "t", "yes", "y", "1"))
_FALSE = literals(("false", "f", "no", "n", "0"))
_CURRENCIES = literals(sorted(code for code, _ in currencies()))

#: Native types that a column of a kind cannot come as.
IMPOSSIBLE: dict[ColumnKind, frozenset[Native]] = {
    ColumnKind.TEXT: frozenset({Native.NESTED, Native.FRACTION, Native.BINARY}),
    ColumnKind.TIME: frozenset(Native) - {Native.MOMENT},
    ColumnKind.DATE: frozenset(Native) - {Native.MOMENT},
    ColumnKind.DECIMAL: frozenset(Native) - {Native.WHOLE, Native.FRACTION},
    ColumnKind.RATE: frozenset(Native) - {Native.WHOLE, Native.FRACTION},
    ColumnKind.BOOLEAN: frozenset(Native) - {Native.WHOLE, Native.BOOLEAN},
}

#: How a sentence calls what a column of a kind should hold.
EXAMPLES: dict[ColumnKind, str] = {
    ColumnKind.TEXT: "text",
    ColumnKind.TIME: "a time such as 2024-05-31T18:03:00+02:00",
    ColumnKind.DATE: "a date such as 2024-05-31",
    ColumnKind.DECIMAL: "a decimal number such as 1234.50",
    ColumnKind.RATE: "a rate such as 1.0842",
    ColumnKind.BOOLEAN: "true or false",
}


def values_sql(columns: Iterable[Column], source: Source) -> str:
    """The select list of the columns' values, NULL where one cannot be read."""
    return ", ".join(f"{_value(column, source)} as {value_of(column)}" for column in columns)


def reasons_sql(entity: Entity, columns: Iterable[Column], source: Source) -> str:
    """Everything that is wrong with these columns of a row as one text, NULL if nothing is."""
    reasons = [
        f"case when {condition} then {literal(sentence)} end"
        for column in columns
        for condition, sentence in _faults(column, entity, source)
    ]
    return f"nullif(concat_ws(' ', {', '.join(reasons)}), '')"


def value_of(column: Column) -> str:
    """The identifier under which `values_sql` puts a column's value."""
    return name(column.name + "!")


def _value(column: Column, source: Source) -> str:
    text = name(column.name)
    if column.kind is ColumnKind.TIME:
        zone = literal(source.time_zone or "UTC")
        # DuckDB reads an offset only where no space stands before it.
        zoned = f"try_cast(replace(replace({text}, ' +', '+'), ' -', '-') as timestamptz)"
        # A date alone is its first instant there, also where the clocks skip midnight.
        return (
            f"case when regexp_full_match({text}, {_NAIVE}) or regexp_full_match({text}, {_DAY})"
            f" then timezone({zone}, try_cast({text} as timestamp))"
            f" when regexp_full_match({text}, {_ZONED}) then {zoned} end"
        )
    if column.kind is ColumnKind.DATE:
        return f"case when regexp_full_match({text}, {_DATE}) then try_cast({text}[:10] as date) end"
    if column.kind is ColumnKind.RATE:
        return f"try_cast({_exact(column)} as {column.kind.value})"
    if column.kind is ColumnKind.DECIMAL:
        minus = "-" if column.sign is Sign.AS_REFUND and source.refund_sign == "negative" else ""
        return f"{minus}try_cast({_exact(column)} as {column.kind.value})"
    if column.kind is ColumnKind.BOOLEAN:
        return f"case when lower({text}) in ({_TRUE}) then true when lower({text}) in ({_FALSE}) then false end"
    if column.is_currency:
        return f"upper({text})"
    if column.takes_placeholder and source.placeholder_ids:
        return f"case when {text} not in ({literals(source.placeholder_ids)}) then {text} end"
    return text


def _exact(column: Column) -> str:
    text = name(column.name)
    return f"case when regexp_full_match({text}, {_NUMBER}) then try_cast({text} as decimal(38,18)) end"


def _faults(column: Column, entity: Entity, source: Source) -> Iterator[tuple[str, str]]:
    text, value = name(column.name), value_of(column)
    if column.required:
        yield f"{text} is null", f"{column.name} is missing."
    if column.kind is not ColumnKind.TEXT:
        yield f"{text} is not null and {value} is null", f"{column.name} is not {EXAMPLES[column.kind]}."
    if column.kind is ColumnKind.TIME:
        yield from _time_faults(column, source)
    if column.kind in (ColumnKind.TIME, ColumnKind.DATE):
        yield (
            f"year({value}) not between 1970 and 2100",
            f"{column.name} lies outside the years 1970 to 2100.",
        )
    if column.kind is ColumnKind.DECIMAL:
        yield from _amount_faults(column, entity, source)
    if column.kind is ColumnKind.RATE:
        # Decimals after the twelfth are what arithmetic left behind, and are rounded away.
        yield f"{value} <= 0", f"{column.name} is not above zero."
    if column.is_currency:
        yield f"{value} not in ({_CURRENCIES})", f"{column.name} is not a currency code of ISO 4217."
    if column.allowed:
        yield f"{text} not in ({literals(column.allowed)})", f"{column.name} is none of {', '.join(column.allowed)}."
    if column.is_key:
        yield f"regexp_matches({text}, '[\\x00-\\x1f\\x7f]')", f"{column.name} holds a control character."


def _time_faults(column: Column, source: Source) -> Iterator[tuple[str, str]]:
    text, value = name(column.name), value_of(column)
    is_naive = f"regexp_full_match({text}, {_NAIVE})"
    if source.time_zone is None:
        is_day = f"regexp_full_match({text}, {_DAY})"
        yield (
            f"{is_naive} or {is_day}",
            f"{column.name} carries no time zone, and its source declares none (time_zone).",
        )
    else:
        yield (
            f"{is_naive} and timezone({literal(source.time_zone)}, {value}) <> try_cast({text} as timestamp)",
            f"{column.name} is a time that the clocks of {source.time_zone} skipped.",
        )


def _amount_faults(column: Column, entity: Entity, source: Source) -> Iterator[tuple[str, str]]:
    text, value = name(column.name), value_of(column)
    # Up to a millionth is what floating-point arithmetic leaves behind; more is meant.
    yield (
        f"abs({_exact(column)} - round({_exact(column)}, 4)) > 0.000001",
        f"{column.name} has more than four decimals.",
    )
    if column.is_share:
        yield f"{value} not between 0 and 1", f"{column.name} is not a share from 0 to 1."
    if column.sign is Sign.POSITIVE:
        yield f"{value} < 0", f"{column.name} is negative."
    if column.sign is Sign.AS_REFUND:
        yield (
            f"{value} < 0",
            f"{column.name} has another sign than its source declares (refund_sign = {source.refund_sign}).",
        )
    if column.currency and not entity.by_name[column.currency].required:
        yield (
            f"{text} is not null and {name(column.currency)} is null",
            f"{column.name} is given without {column.currency}.",
        )
