"""JSON Lines: one object per line, its values as text with the digits that were written.

Belongs here: what makes a file whole JSON Lines. Does not belong here: what its keys mean.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

import duckdb

from postback_pipeline.sources.files import LandingFile
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.scan import Native, Scan, path_literal
from postback_pipeline.sources.sql import literals

_LINES = "load_lines"
_LINE_WITH_TEXT = re.compile(rb"[^\r\n\t ][^\n]*")

# DuckDB reads a number as a double and writes it again, which loses digits of a long one: those are made strings
# first. A control character cannot occur in valid JSON, so it can mark where a number begins and ends.
_STRING_OR_NUMBER = r"""'("(?:[^"\\]|\\.)*")|(-?[0-9][-+0-9.eE]*)'"""
_MARKED = rf"regexp_replace(json, {_STRING_OR_NUMBER}, '\1' || chr(1) || '\2' || chr(1), 'g')"
_WITH_QUOTED_NUMBERS = f"""replace(replace({_MARKED}, chr(1) || chr(1), ''), chr(1), '"')::json"""
_HAS_LONG_NUMBER = r"regexp_matches(json, ':\s*-?[0-9.]{16}')"


def scan_jsonl(connection: duckdb.DuckDBPyConnection, file: LandingFile) -> Scan:
    """Opens a JSON Lines file; its columns are the keys of all its rows. Blank lines are no rows.

    Raises:
        Refused: it is damaged, or a line is not one object that names each key once.
        duckdb.Error: a line is not JSON.
    """
    rows = _count(file)
    connection.execute(
        f"create or replace temp table {_LINES} as"
        f" select case when {_HAS_LONG_NUMBER} then {_WITH_QUOTED_NUMBERS} else json end as json"
        f" from read_json_objects({path_literal(file.path)}, format='newline_delimited', hive_partitioning=false,"
        f" compression='{'gzip' if file.is_gzip else 'none'}')"
    )
    wrong = connection.execute(
        f"select count(*) from {_LINES} where json_type(json) <> 'OBJECT'"
        " or len(json_keys(json)) <> len(list_distinct(json_keys(json)))"
    ).fetchone()
    if wrong != (0,):
        raise Refused("every line must be one JSON object that names each of its columns once.")
    found = connection.execute(f"select distinct unnest(json_keys(json)) as key from {_LINES} order by key").fetchall()
    keys = [key for (key,) in found]
    pointers = literals("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    values = f"json_extract_string(json, [{pointers}]::varchar[]) as v"
    typed = f"(select {values}, json_type(json, [{pointers}]::varchar[]) as t from {_LINES})"
    return Scan(
        f"(select {values} from {_LINES})",
        {key: f"v[{number}]" for number, key in enumerate(keys, 1)},
        _natives(connection, typed, keys),
        rows,
    )


def jsonl_problem(complaint: str) -> str:
    """A sentence for DuckDB's complaint, of which only the line is told."""
    # DuckDB counts the line in which it stopped, one after the one it could not read.
    line = re.search(r"in line (\d+)", complaint)
    return f"line {int(line[1]) - 1} is not valid JSON." if line else "it is not valid JSON."


def _natives(connection: duckdb.DuckDBPyConnection, relation: str, keys: Sequence[str]) -> dict[str, frozenset[Native]]:
    if not keys:
        return {}
    nested = [f"bool_or(t[{number}] in ('OBJECT', 'ARRAY'))" for number, _ in enumerate(keys, 1)]
    fraction = [
        f"bool_or(t[{number}] = 'DOUBLE' and regexp_matches(v[{number}], '[.eE]'))" for number, _ in enumerate(keys, 1)
    ]
    answers = connection.execute(f"select {', '.join(nested + fraction)} from {relation}").fetchone() or ()
    found: dict[str, frozenset[Native]] = {}
    for number, key in enumerate(keys):
        is_native = {Native.NESTED: answers[number], Native.FRACTION: answers[len(keys) + number]}
        found[key] = frozenset(native for native, answer in is_native.items() if answer)
    return found


def _count(file: LandingFile) -> int:
    rows = 0
    rest = b""
    for number, chunk in enumerate(file.chunks()):
        if number == 0 and chunk.startswith(codecs.BOM_UTF8):
            raise Refused("it starts with a byte order mark, which JSON does not know. Write it as UTF-8 without one.")
        whole, line_end, rest = (rest + chunk).rpartition(b"\n")
        rows += len(_LINE_WITH_TEXT.findall(whole + line_end))
    return rows + len(_LINE_WITH_TEXT.findall(rest))
