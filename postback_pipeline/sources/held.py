"""Which rows are held, and from where: `raw.files` and the rows and quarantine entries that belong to it.

Belongs here: putting judged rows into the raw tables, replacing what a file held before, and counting both sides.
Does not belong here: reading or judging. Whatever writes here runs inside a `transaction` of the caller.

Rows are held once per content: a file with the same digest as another one of its source and entity is registered
with `same_as` and holds nothing. A file that is gone keeps what it held: absence is never a reversal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import duckdb

from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.contract_types import Entity
from postback_pipeline.sources.raw_tables import RAW_TABLES
from postback_pipeline.sources.results import Counts, FileLoad
from postback_pipeline.sources.rows import JUDGED, Judged
from postback_pipeline.sources.seen import next_seen
from postback_pipeline.sources.sql import name, one_row

_AT = "source = ? and entity = ? and file = ?"


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows come from: what tells one registered file from another."""

    source: str
    entity: Entity
    file: str

    @property
    def values(self) -> list[object]:
        """Parameters for a condition on source, entity and file."""
        return [self.source, self.entity.name, self.file]


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file's bytes and the rules it was read by were: the same seal, the same rows."""

    size_bytes: int
    sha256: str
    rules: str


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of what is done inside, or nothing of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def is_unchanged(connection: duckdb.DuckDBPyConnection, place: Place, seal: Seal) -> bool:
    """Whether exactly these bytes were loaded from this place by these rules."""
    known = connection.execute(f"select sha256, rules from raw.files where {_AT}", place.values).fetchone()
    return known == (seal.sha256, seal.rules)


def hold(
    connection: duckdb.DuckDBPyConnection, place: Place, seal: Seal, judged: Judged, loaded_at: datetime
) -> FileLoad | None:
    """Makes the raw tables hold the judged rows in place of what this file held; None if that is the same."""
    known = connection.execute(f"select digest from raw.files where {_AT}", place.values).fetchone()
    if known == (judged.digest,):
        connection.execute(
            f"update raw.files set size_bytes = ?, sha256 = ?, rules = ? where {_AT}",
            [seal.size_bytes, seal.sha256, seal.rules, *place.values],
        )
        return None
    # Before letting go: what is let go may be what the greatest number so far was written with.
    seen = next_seen(connection)
    if known is not None:
        _let_go(connection, place, seen)
    holder = connection.execute(
        "select file from raw.files where source = ? and entity = ? and digest = ? and same_as is null",
        [place.source, place.entity.name, judged.digest],
    ).fetchone()
    same_as = holder[0] if holder else None
    quarantined = 0 if same_as else judged.quarantined
    loaded = 0 if same_as else judged.rows - judged.quarantined
    entry = {"rows": judged.rows, "loaded": loaded, "quarantined": quarantined, "seen": seen, "loaded_at": loaded_at}
    register(connection, place, {**asdict(seal), "digest": judged.digest, "same_as": same_as, **entry})
    if same_as is None:
        insert_judged(connection, place, seen, loaded_at)
    require_tie(connection, place)
    return FileLoad(place.source, place.file, judged.rows, loaded, quarantined, same_as)


def insert_judged(
    connection: duckdb.DuckDBPyConnection, place: Place, seen: int, loaded_at: datetime, where: str = "true"
) -> None:
    """Writes those rows of `JUDGED` for which `where` holds: to the entity's table, or to quarantine."""
    origin = "? as _source, ? as _file, ? as _seen, ? as _loaded_at"
    connection.execute(
        f"insert into raw.{place.entity.name} by name select * exclude (_reason, _row), {origin}"
        f" from {JUDGED} where _reason is null and ({where})",
        [place.source, place.file, seen, loaded_at],
    )
    connection.execute(
        "insert into raw.quarantine by name select ? as source, ? as entity, ? as file, ? as loaded_at,"
        ' _row_number as row_number, _reason as reason, _row as "row", _row_hash as row_hash'
        f" from {JUDGED} where _reason is not null and ({where})",
        [*place.values, loaded_at],
    )


def register(connection: duckdb.DuckDBPyConnection, place: Place, entry: Mapping[str, object]) -> None:
    """Writes a file's or database's row of the registry, which has none of it; `entry` has the other columns."""
    row = {"source": place.source, "entity": place.entity.name, "file": place.file, **entry}
    marks = ", ".join("?" for _ in row)
    connection.execute(f"insert into raw.files ({', '.join(row)}) values ({marks})", list(row.values()))


def require_tie(connection: duckdb.DuckDBPyConnection, place: Place) -> None:
    """Counts again what the tables hold of one file, so that a transaction with a lost row never commits."""
    counts = _counts(connection, place.entity, place)
    if not counts.tie:
        raise AssertionError(f"{place.file}: the rows held do not tie with the file's: {counts}.")


def check_counts(connection: duckdb.DuckDBPyConnection, entity: str) -> Counts:
    """Counts an entity's rows anew, in the registry and in the tables; `Counts.tie` says whether nothing is lost."""
    return _counts(connection, ENTITIES[entity], None)


def _counts(connection: duckdb.DuckDBPyConnection, entity: Entity, place: Place | None) -> Counts:
    in_registry, in_raw = (" and source = ? and file = ?", " and _source = ? and _file = ?") if place else ("", "")
    values = [place.source, place.file] if place else []
    row = one_row(
        connection,
        f"""
        select rows, loaded, quarantined, in_raw, in_quarantine
        from (
            select coalesce(sum(rows), 0) as rows, coalesce(sum(loaded), 0) as loaded,
                coalesce(sum(quarantined), 0) as quarantined
            from raw.files where entity = ? and same_as is null{in_registry}
        ),
        (select count(*) as in_raw from raw.{entity.name} where true{in_raw}),
        (select count(*) as in_quarantine from raw.quarantine where entity = ?{in_registry})
        """,
        [entity.name, *values, *values, entity.name, *values],
    )
    return Counts(*(int(number) for number in row))


def _let_go(connection: duckdb.DuckDBPyConnection, place: Place, seen: int) -> None:
    """Forgets a file: its rows go to another file with the same content, or, where there is none, away.

    `raw.removed` keeps the keys of those that go away, under the number of the load that let them go.
    """
    heirs = connection.execute(
        "select file from raw.files where source = ? and entity = ? and same_as = ? order by seen", place.values
    ).fetchall()
    table = f"raw.{name(place.entity.name)}"
    if not heirs:
        _note_removed(connection, place, seen)
        connection.execute(f"delete from {table} where _source = ? and _file = ?", [place.source, place.file])
        connection.execute(f"delete from raw.quarantine where {_AT}", place.values)
    else:
        (heir,) = heirs[0]
        connection.execute(
            f"update {table} set _file = ? where _source = ? and _file = ?", [heir, place.source, place.file]
        )
        connection.execute(f"update raw.quarantine set file = ? where {_AT}", [heir, *place.values])
        connection.execute(
            "update raw.files as heir set loaded = gone.loaded, quarantined = gone.quarantined, same_as = null"
            " from raw.files as gone where gone.source = ? and gone.entity = ? and gone.file = ?"
            " and heir.source = gone.source and heir.entity = gone.entity and heir.file = ?",
            [*place.values, heir],
        )
        connection.execute(
            "update raw.files set same_as = ? where source = ? and entity = ? and same_as = ?", [heir, *place.values]
        )
    connection.execute(f"delete from raw.files where {_AT}", place.values)


def _note_removed(connection: duckdb.DuckDBPyConnection, place: Place, seen: int) -> None:
    """Whoever computes only what changed finds what these rows belonged to by their keys."""
    kept = [column for column in RAW_TABLES["removed"] if column in place.entity.by_name]
    connection.execute(
        f"insert into raw.removed by name select distinct ? as entity, ?::bigint as seen, {', '.join(map(name, kept))}"
        f" from raw.{name(place.entity.name)} where _source = ? and _file = ?",
        [place.entity.name, seen, place.source, place.file],
    )
