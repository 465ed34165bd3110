"""Order databases (PostgreSQL, SQLite) -> a scan of text columns, as a file gives one.

Belongs here: connecting, reading in chunks, how far a read got. Does not belong here: which of the rows are new
(`versions.py`), judging them (`rows.py`).

Errors never carry the URL, the password or a value of a row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas
import psycopg2
import pyarrow
import sqlalchemy
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from postback_pipeline.settings import DatabaseSource, Query
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.scan import Native, Scan, refuse_duplicates

_CHUNKS = "load_chunks"
_CONNECT_SECONDS = 10
_NATIVES = {
    float: Native.FRACTION,
    dict: Native.NESTED,
    list: Native.NESTED,
    bytes: Native.BINARY,
    memoryview: Native.BINARY,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave, and from where the next one has to read."""

    scan: Scan
    #: The least `updated_at` that the next read asks for; None: read everything.
    watermark: str | None


def read_query(
    connection: duckdb.DuckDBPyConnection,
    url: str,
    source: DatabaseSource,
    query: Query,
    *,
    watermark: str | None,
    now: datetime,
) -> Answer:
    """Reads a query's rows, from `watermark` on, into a temporary table of texts.

    `now` (UTC) bounds the next watermark, so that a row dated in the future hides no row after it.

    Raises:
        Refused: no connection, a query that fails, an answer without the `updated_at` column.
    """
    newest: object = None
    natives: dict[str, set[Native]] = {}
    names: list[str] = []
    with _sentences(source), _connect(url, source) as database:
        result = database.execution_options(stream_results=True).execute(*_statement(database, query, watermark))
        names = list(result.keys())
        _check_names(names, query)
        types = ", ".join(f"c{number} varchar" for number in range(len(names)))
        connection.execute(f"create or replace temp table {_CHUNKS} ({types})")
        for rows in result.partitions(source.rows_per_read):
            frame = pandas.DataFrame([tuple(row) for row in rows], columns=names, dtype=object)
            _append(connection, frame)
            for column in names:
                found = {native for value in frame[column] if (native := _native(value))}
                natives.setdefault(column, set()).update(found)
            if query.updated_at:
                newest = _newest(newest, frame[query.updated_at])
    scan = Scan(
        _CHUNKS,
        {column: f"c{number}" for number, column in enumerate(names)},
        {column: frozenset(found) for column, found in natives.items()},
    )
    return Answer(scan, watermark if newest is None else _watermark(newest, query, source, now))


def _statement(
    database: sqlalchemy.Connection, query: Query, watermark: str | None
) -> tuple[sqlalchemy.TextClause, dict[str, str]]:
    # A colon in a person's SQL is a cast or part of a text, never a parameter of ours.
    sql = query.sql.strip().rstrip(";").replace(":", r"\:")
    if query.updated_at is None or watermark is None:
        return sqlalchemy.text(sql), {}
    column = database.dialect.identifier_preparer.quote(query.updated_at)
    return sqlalchemy.text(f"select * from ({sql}\n) as q where q.{column} >= :since"), {"since": watermark}


def _check_names(names: list[str], query: Query) -> None:
    refuse_duplicates(names)
    if query.updated_at and query.updated_at not in names:
        raise Refused(f"the query does not give the column {query.updated_at}, which updated_at names.")


def _append(connection: duckdb.DuckDBPyConnection, frame: pandas.DataFrame) -> None:
    texts = [pyarrow.array([_text(value) for value in frame[column]], pyarrow.string()) for column in frame]
    chunk = pyarrow.table(texts, names=[f"c{number}" for number in range(len(texts))])
    connection.register("load_chunk", chunk)
    connection.execute(f"insert into {_CHUNKS} from load_chunk")
    connection.unregister("load_chunk")


def _native(value: object) -> Native | None:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return Native.FRACTION if isinstance(exponent, int) and exponent < 0 else None
    return _NATIVES.get(type(value))


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.tzinfo is None else value.astimezone(UTC).isoformat(" ")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)


def _newest(newest: object, column: pandas.Series) -> object:
    present = [value for value in [newest, *column] if value is not None]
    try:
        return max(present, default=None)
    except TypeError:
        pass
    raise Refused(f"its column {column.name} holds values of several types, so that none is the newest.")


def _watermark(newest: object, query: Query, source: DatabaseSource, now: datetime) -> str:
    moment = _moment(newest, query)
    present = now if moment.tzinfo else now.astimezone(ZoneInfo(source.time_zone or "UTC")).replace(tzinfo=None)
    since = min(moment, present) - timedelta(minutes=query.overlap_minutes)
    # Text is compared letter by letter, and so whatever follows the day is: the day alone comes before all of it.
    return since.isoformat() if isinstance(newest, datetime) else since.date().isoformat()


def _moment(newest: object, query: Query) -> datetime:
    if isinstance(newest, datetime):
        return newest
    if isinstance(newest, date):
        return datetime(newest.year, newest.month, newest.day)
    try:
        return datetime.fromisoformat(str(newest))
    except ValueError:
        pass
    raise Refused(f"its column {query.updated_at} holds no times, so that updated_at cannot name it.")


def _connect(url: str, source: DatabaseSource) -> sqlalchemy.Connection:
    parsed = sqlalchemy.make_url(url)
    backend = parsed.get_backend_name()
    if backend not in ("postgresql", "sqlite"):
        raise Refused("only PostgreSQL (postgresql+psycopg2://) and SQLite (sqlite:///) databases can be read.")
    if backend == "sqlite" and not Path(parsed.database or "").is_file():
        raise Refused(f"there is no such SQLite file as {source.url_env} names.")
    arguments = {"connect_timeout": _CONNECT_SECONDS} if backend == "postgresql" else {}
    engine = sqlalchemy.create_engine(parsed, poolclass=NullPool, connect_args=arguments)
    with suppress(DBAPIError):
        return engine.connect()
    raise Refused(f"no connection to the database of {source.url_env}. Check that it runs, the user and the password.")


@contextmanager
def _sentences(source: DatabaseSource) -> Iterator[None]:
    """Turns what a database or its driver complains about into a sentence; what it quotes is left out."""
    try:
        yield
        return
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        problem = (
            f"{source.url_env} holds no database URL that can be used; write postgresql+psycopg2://... or sqlite:///..."
        )
    except SQLAlchemyError as error:
        problem = _complaint(error, source)
    raise Refused(problem)


def _complaint(error: SQLAlchemyError, source: DatabaseSource) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    # Complaints about the SQL itself (class 42 in PostgreSQL) name tables and columns, never a row.
    if isinstance(cause, psycopg2.Error) and (cause.pgcode or "").startswith("42"):
        return f"the database refuses the query: {cause.diag.message_primary}."
    if isinstance(cause, sqlite3.Error) and str(cause).startswith(("no such ", "near ")):
        return f"the database refuses the query: {cause}."
    return f"the database of {source.url_env} failed while its query was read."
