"""Parquet: every value as text, with what the file says about its type.

Belongs here: how Parquet's types become text. Does not belong here: which of them a column may have.
"""

from __future__ import annotations

import duckdb
import pyarrow
import pyarrow.parquet

from postback_pipeline.sources.files import LandingFile
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.scan import Native, Scan, path_literal, refuse_duplicates
from postback_pipeline.sources.sql import name

#: How the names of DuckDB's types begin; a type not listed is text.
_NATIVES = {
    ("STRUCT", "MAP", "UNION", "VARIANT"): Native.NESTED,
    ("FLOAT", "DOUBLE", "DECIMAL"): Native.FRACTION,
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"): Native.WHOLE,
    ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"): Native.WHOLE,
    ("BOOLEAN",): Native.BOOLEAN,
    ("DATE", "TIME", "INTERVAL"): Native.MOMENT,
    ("BLOB", "BIT"): Native.BINARY,
}


def scan_parquet(connection: duckdb.DuckDBPyConnection, file: LandingFile) -> Scan:
    """Opens a Parquet file.

    Raises:
        Refused: its footer cannot be read, or it names a column twice (capitals make no other name here).
        duckdb.Error: its data cannot be decoded.
    """
    metadata = _metadata(file)
    relation = f"read_parquet({path_literal(file.path)}, hive_partitioning=false)"
    types = {column: kind for column, kind, *_ in connection.execute(f"describe from {relation}").fetchall()}
    # A column that is empty throughout has whatever type its writer happened to give it.
    counts = ", ".join(f"count({name(column)})" for column in types)
    filled = connection.execute(f"select {counts} from {relation}").fetchone() or ()
    natives = {
        column: frozenset({native})
        for (column, kind), count in zip(types.items(), filled, strict=True)
        if count and (native := _native(kind))
    }
    return Scan(relation, {column: f"{name(column)}::varchar" for column in types}, natives, metadata.num_rows)


def _metadata(file: LandingFile) -> pyarrow.parquet.FileMetaData:
    try:
        metadata = pyarrow.parquet.read_metadata(file.path)
        columns = metadata.schema.to_arrow_schema().names
    except (pyarrow.ArrowException, OSError):
        columns = None
    if not columns:
        raise Refused("it is not a whole Parquet file with columns: its end cannot be read. Copy it again.")
    refuse_duplicates(column.lower() for column in columns)
    return metadata


def _native(kind: str) -> Native | None:
    if kind.endswith("]"):
        return Native.NESTED
    if kind.startswith("DECIMAL") and kind.endswith(",0)"):
        return Native.WHOLE
    return next((native for starts, native in _NATIVES.items() if kind.startswith(starts)), None)
