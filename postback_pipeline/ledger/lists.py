"""Many ids or rows as one parameter of a statement: it is compiled once, however many there are.

Belongs here: how each database reads such a list. Does not belong here: what is listed.

SQLite takes lists as JSON; PostgreSQL takes ids as an array and rows as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, Text, bindparam, cast, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator, TypeEngine

_ROWS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Ids(TypeDecorator[Collection[int]]):
    """Row ids, as each database reads a list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> str:
        """A JSON array, or an array of PostgreSQL's."""
        listed = ",".join(map(str, value or ()))
        return f"[{listed}]" if dialect.name == "sqlite" else f"{{{listed}}}"


class Rows(TypeDecorator[Sequence[Sequence[Any]]]):
    """Rows of numbers and texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Sequence[Any]] | None, dialect: Dialect) -> str:
        """A JSON array of arrays."""
        return _ROWS.encode(value or ())


class among(FunctionElement[bool]):
    """Whether a column's value is one of the ids in parameter `ids`."""

    type = Boolean()
    inherit_cache = True
    # Otherwise SQLite's is compared with 1, which no index answers.
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[int]) -> None:
        super().__init__(column, bindparam("ids", type_=Ids))


@compiles(among, "sqlite")
def _among_on_sqlite(element: among, compiler: SQLCompiler, **given: Any) -> str:
    column, ids = element.clauses
    elements = f"json_each({compiler.process(ids, **given)})"
    return f"{compiler.process(column, **given)} IN (SELECT value FROM {elements})"  # noqa: S608


@compiles(among, "postgresql")
def _among_on_postgres(element: among, compiler: SQLCompiler, **given: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **given)} = ANY(CAST({compiler.process(ids, **given)} AS bigint[]))"


class _elements(FunctionElement[Any]):
    inherit_cache = True


@compiles(_elements, "sqlite")
def _elements_on_sqlite(element: _elements, compiler: SQLCompiler, **given: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **given)})"


@compiles(_elements, "postgresql")
def _elements_on_postgres(element: _elements, compiler: SQLCompiler, **given: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **given)} AS jsonb))"


class _item(FunctionElement[Any]):
    inherit_cache = True


@compiles(_item, "sqlite")
def _item_on_sqlite(element: _item, compiler: SQLCompiler, **given: Any) -> str:
    row, number = element.clauses
    return f"json_extract({compiler.process(row, **given)}, '$[{compiler.process(number, **given)}]')"


@compiles(_item, "postgresql")
def _item_on_postgres(element: _item, compiler: SQLCompiler, **given: Any) -> str:
    row, number = element.clauses
    return f"({compiler.process(row, **given)} ->> {compiler.process(number, **given)})"


def listed_rows() -> TableValuedAlias:
    """The rows in parameter `rows`, to select from and to join."""
    return _elements(bindparam("rows", type_=Rows)).table_valued("value", name="listed")


def item(rows: TableValuedAlias, number: int, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """One column of such rows, counted from 0."""
    return cast(_item(rows.c.value, literal_column(str(number))), type_)
