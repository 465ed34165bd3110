"""A database's judged rows -> those that are new, added beside what is held.

Belongs here: which rows of a read are versions that are not held yet, and which quarantine entries they settle.
Does not belong here: reading (`database.py`) and judging (`rows.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import duckdb

from postback_pipeline.settings import DatabaseSource, Settings, read_variable
from postback_pipeline.sources.database import Answer, read_query
from postback_pipeline.sources.held import Place, insert_judged, register, require_tie, transaction
from postback_pipeline.sources.results import FileLoad
from postback_pipeline.sources.rows import JUDGED, STAGED, judge, rules_fingerprint, stage
from postback_pipeline.sources.seen import next_seen
from postback_pipeline.sources.sql import literal, name, one_row

_NEW = "load_new"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the registry says of the reads before."""

    rows: int = 0
    loaded: int = 0
    quarantined: int = 0
    watermark: str | None = None
    rules: str | None = None


def load_database(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    source: DatabaseSource,
    settings: Settings,
    loaded_at: datetime,
) -> FileLoad | None:
    """Adds every row of the entity's query whose content is not held yet; None if there is none.

    A row that went back to an earlier content is a new version, too, where it is the only one of its key.

    Raises:
        Refused: the database cannot be read, or its answer not be used.
        SettingsError: the variable with its URL is not set.
    """
    url = read_variable(source.url_env, f"sources.{place.source}.url_env", settings.file)
    query = source.queries[place.entity.name]
    rules = hashlib.sha256(f"{rules_fingerprint(place.entity, source)} {query!r}".encode()).hexdigest()
    known = _known(connection, place)
    answer = read_query(
        connection,
        url,
        source,
        query,
        watermark=known.watermark if known.rules == rules else None,
        now=loaded_at,
    )
    columns = stage(connection, place.entity, source, answer.scan, first_row=_first_row(connection, place))
    judge(connection, place.entity, source, columns)
    with transaction(connection):
        return _add(connection, place, known, answer, rules, loaded_at)


def _add(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    known: _Known,
    answer: Answer,
    rules: str,
    loaded_at: datetime,
) -> FileLoad | None:
    rows, quarantined = _find_new(connection, place)
    settled = _settle(connection, place)
    if not rows and not settled and (answer.watermark, rules) == (known.watermark, known.rules):
        return None
    seen = next_seen(connection)
    insert_judged(connection, place, seen, loaded_at, f"_row_number in (from {_NEW})")
    connection.execute("delete from raw.files where source = ? and entity = ? and file = ?", place.values)
    entry = {
        "rules": rules,
        "watermark": answer.watermark,
        "rows": known.rows + rows - settled,
        "loaded": known.loaded + rows - quarantined,
        "quarantined": known.quarantined + quarantined - settled,
        "seen": seen,
        "loaded_at": loaded_at,
    }
    register(connection, place, entry)
    require_tie(connection, place)
    return FileLoad(place.source, place.file, rows, rows - quarantined, quarantined) if rows or settled else None


def _known(connection: duckdb.DuckDBPyConnection, place: Place) -> _Known:
    row = connection.execute(
        "select rows, loaded, quarantined, watermark, rules from raw.files"
        " where source = ? and entity = ? and file = ?",
        place.values,
    ).fetchone()
    return _Known(*row) if row else _Known()


def _first_row(connection: duckdb.DuckDBPyConnection, place: Place) -> int:
    (number,) = one_row(
        connection,
        f"select coalesce(max(_row_number), 0) + 1 from (select _row_number from raw.{place.entity.name}"
        " where _source = ? and _file = ? union all"
        " select row_number from raw.quarantine where source = ? and entity = ? and file = ?)",
        [place.source, place.file, *place.values],
    )
    return int(number)


def _find_new(connection: duckdb.DuckDBPyConnection, place: Place) -> tuple[int, int]:
    """Puts the new rows' numbers into a table. Returns how many there are, and how many of them do not fit."""
    keys = ", ".join(name(key) for key in place.entity.key)
    # A part of a key may be empty, and then it is the same as another empty one.
    is_same_key = " and ".join(
        f"answer.{name(key)} is not distinct from last_held.{name(key)}" for key in place.entity.key
    )
    # One content under a key, and another than the one seen last: it went back to what it was.
    connection.execute(
        f"""
        create or replace temp table {_NEW} as
        with answer as (
            select _row_number, _row_hash, _reason, {keys},
                row_number() over (partition by _row_hash order by _row_number) as copy,
                min(_row_hash) over (partition by {keys}) = max(_row_hash) over (partition by {keys}) as is_only
            from {JUDGED}
        ),
        last_held as (
            select {keys}, arg_max(_row_hash, _row_number) as last_hash
            from raw.{place.entity.name} where _source = ? and _file = ? group by {keys}
        )
        select answer._row_number
        from answer left join last_held on {is_same_key}
        where answer.copy = 1 and (
            answer._row_hash not in (
                select _row_hash from raw.{place.entity.name} where _source = ? and _file = ?
                union all
                select row_hash from raw.quarantine where source = ? and entity = ? and file = ?
            )
            or (answer._reason is null and answer.is_only and last_held.last_hash <> answer._row_hash)
        )
        """,
        [place.source, place.file, place.source, place.file, *place.values],
    )
    new, quarantined = one_row(
        connection, f"select count(*), count(_reason) from {JUDGED} where _row_number in (from {_NEW})"
    )
    return int(new), int(quarantined)


def _settle(connection: duckdb.DuckDBPyConnection, place: Place) -> int:
    """Removes the quarantine entries that a fitting row of the same key replaced. Returns how many there were."""
    keys = place.entity.key
    staged = ", ".join(f"staged.{name(key)}" for key in keys)
    entry = ", ".join(f"""json_extract_string("row", {literal("/" + key)})""" for key in keys)
    gone = connection.execute(
        f"""
        delete from raw.quarantine where source = ? and entity = ? and file = ?
            and row_hash not in (select _row_hash from {JUDGED})
            and ({entry}) in (
                select ({staged}) from {STAGED} as staged join {JUDGED} as judged using (_row_number)
                where judged._reason is null
            )
        """,
        place.values,
    ).fetchone()
    return int(gone[0]) if gone else 0
