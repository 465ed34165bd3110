"""One scan -> rows in the contract's shape, each judged: loaded or quarantined, with a hash that names its content.

Belongs here: matching columns to the contract, what makes a whole file unusable, hashes and the digest. Does not
belong here: rules about a single row (`rules.py`), writing to the raw tables (`held.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from postback_pipeline.settings import Source
from postback_pipeline.sources.contract_types import Column, ColumnKind, Entity
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.rules import EXAMPLES, IMPOSSIBLE, reasons_sql, value_of, values_sql
from postback_pipeline.sources.scan import Scan
from postback_pipeline.sources.sql import literal, name, one_row

#: Text of the contract's columns, as it came.
STAGED = "load_staged"
#: The same rows with values, `_reason` (NULL: fits), `_row` (JSON, where it does not fit) and `_row_hash`.
JUDGED = "load_judged"

_BLANK = r"e' \t\r\n'"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of the rows in table `JUDGED`."""

    #: The same for the same rows in any order, format or column order.
    digest: str
    rows: int
    quarantined: int


def rules_fingerprint(entity: Entity, source: Source) -> str:
    """Changes whenever the same file could give other rows: by another setting, contract or rule."""
    renames = sorted(source.rename.get(entity.name, {}).items())
    rules = [values_sql(entity.columns, source), reasons_sql(entity, entity.columns, source)]
    text = "\n".join([*rules, repr(renames)])
    return hashlib.sha256(text.encode()).hexdigest()


def stage(
    connection: duckdb.DuckDBPyConnection, entity: Entity, source: Source, scan: Scan, *, first_row: int = 1
) -> tuple[Column, ...]:
    """Reads the scan once, whole, into `STAGED`; an empty or blank text is NULL. Returns the columns that it gives.

    Raises:
        Refused: it is not regular, a required column is missing, two mean the same one, or one cannot be of its type.
        duckdb.Error: DuckDB cannot read it.
    """
    names = _match_columns(entity, source, scan)
    selected = [f"row_number() over () + {first_row - 1} as _row_number"]
    for column in entity.columns:
        text = _filled(scan.columns[names[column.name]]) if column.name in names else "null::varchar"
        selected.append(f"{text} as {name(column.name)}")
    others = sorted(set(scan.columns) - set(names.values()))
    extra = _json({other: _filled(scan.columns[other]) for other in others}) if others else "null::varchar"
    connection.execute(
        f"create or replace temp table {STAGED} as select {', '.join(selected)}, {extra} as _extra from {scan.relation}"
    )
    if scan.doubt:
        raise Refused(scan.doubt)
    (found,) = one_row(connection, f"select count(*) from {STAGED}")
    if scan.rows is not None and found != scan.rows:
        raise Refused(
            f"{scan.rows} rows were counted in it, but {found} could be read. Look for a quotation mark inside an"
            " unquoted value, and write the file again."
        )
    # A file without rows may be one without columns.
    return tuple(column for column in entity.columns if column.name in names) or entity.columns


def judge(connection: duckdb.DuckDBPyConnection, entity: Entity, source: Source, columns: Sequence[Column]) -> Judged:
    """Turns the columns given of `STAGED` into `JUDGED`.

    Raises:
        Refused: a column changed its type.
    """
    texts = {column.name: name(column.name) for column in columns} | {"_extra": "_extra"}
    connection.execute(
        f"""
        create or replace temp table {JUDGED} as
        with valued as (select *, {values_sql(columns, source)} from {STAGED}),
        reasoned as (select *, {reasons_sql(entity, columns, source)} as _reason from valued),
        described as (
            select _row_number, _extra, _reason,
                {", ".join(f"{value_of(column)} as {name(column.name)}" for column in columns)},
                case when _reason is not null then coalesce({_json(texts)}, '{{}}') end as _row
            from reasoned
        )
        select *, md5(case when _reason is null then {_canonical(texts)} else 'unfit ' || _row end) as _row_hash
        from described
        """
    )
    readable = ", ".join(f"count({name(column.name)})" for column in columns)
    rows, quarantined, lower, upper, *counts = one_row(
        connection,
        "select count(*), count(_reason), sum(md5_number_lower(_row_hash)), sum(md5_number_upper(_row_hash)),"
        f" {readable} from {JUDGED}",
    )
    _refuse_changed_types(connection, columns, counts)
    digest = hashlib.sha256(f"{rows} {lower} {upper}".encode()).hexdigest()
    return Judged(digest, rows, quarantined)


def drop_temporary(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives back the memory of everything that loading put into temporary tables."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where temporary and starts_with(table_name, 'load_')"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"drop table {name(table)}")


def _match_columns(entity: Entity, source: Source, scan: Scan) -> dict[str, str]:
    """The contract's column -> the source's."""
    renames = source.rename.get(entity.name, {})
    names: dict[str, str] = {}
    for theirs in scan.columns:
        ours = renames.get(theirs, theirs)
        if ours in names:
            raise Refused(f"its columns {names[ours]!r} and {theirs!r} both mean {ours}. Correct the source's rename.")
        if ours in entity.by_name:
            names[ours] = theirs
    if scan.columns or scan.rows != 0:
        _refuse_missing(entity, scan, names)
    for ours, theirs in names.items():
        _refuse_native(entity.by_name[ours], theirs, scan)
    return names


def _refuse_missing(entity: Entity, scan: Scan, names: dict[str, str]) -> None:
    missing = [column.name for column in entity.columns if column.required and column.name not in names]
    if not missing:
        return
    similar = [theirs for theirs in scan.columns if theirs.strip().lower() in missing]
    hint = f" It has {', '.join(map(repr, similar))}: declare that under rename." if similar else ""
    raise Refused(f"it has no column {', '.join(missing)}.{hint}")


def _refuse_native(column: Column, theirs: str, scan: Scan) -> None:
    impossible = scan.natives.get(theirs, frozenset()) & IMPOSSIBLE[column.kind]
    for native in sorted(impossible):
        if not column.takes_decimals or native.name != "FRACTION":
            raise Refused(f"column {theirs} holds {native.value}, where {EXAMPLES[column.kind]} belongs.")


def _refuse_changed_types(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], readable: Sequence[int]
) -> None:
    """A typed column with two values or more of which none can be read; names that all became numbers like 4711.0."""
    tests = [f"count({name(column.name)})" for column in columns]
    tests += [f"count(*) filter (not regexp_full_match({name(column.name)}, '-?[0-9]+[.]0'))" for column in columns]
    answers = one_row(connection, f"select {', '.join(tests)} from {STAGED}")
    given, names = answers[: len(columns)], answers[len(columns) :]
    for number, column in enumerate(columns):
        is_text = column.kind is ColumnKind.TEXT
        is_good = names[number] if is_text else readable[number]
        if given[number] < 2 or is_good or column.takes_decimals:
            continue
        found = "every value is a number such as 4711.0" if is_text else f"no value is {EXAMPLES[column.kind]}"
        raise Refused(f"column {column.name} changed its type: {found}.")


def _canonical(columns: Iterable[str]) -> str:
    """The row's content as one text: the columns that hold something, with their lengths, in a fixed order."""
    parts = []
    for column in sorted(columns):
        text = f"{name(column)}::varchar"
        parts.append(f"{literal(column + ' ')} || length({text}) || ' ' || {text}")
    return f"concat({', '.join(parts)})"


def _filled(text: str) -> str:
    return f"case when trim({text}, {_BLANK}) <> '' then {text} end"


def _json(texts: dict[str, str]) -> str:
    """A JSON object of what is not NULL; NULL if nothing is left."""
    pairs = ", ".join(f"{literal(key)}, {text}" for key, text in texts.items())
    return f"nullif(json_strip_nulls(json_object({pairs}))::varchar, '{{}}')"
