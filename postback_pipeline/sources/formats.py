"""Which format a landing file has decides how it is opened, and how a failure to read it is told.

Belongs here: that choice. Does not belong here: the formats themselves.
"""

from __future__ import annotations

import gzip
import zlib

import duckdb

from postback_pipeline.sources.csv_file import csv_problem, scan_csv
from postback_pipeline.sources.files import Format, LandingFile
from postback_pipeline.sources.jsonl_file import jsonl_problem, scan_jsonl
from postback_pipeline.sources.parquet_file import scan_parquet
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.scan import Scan


def scan_file(connection: duckdb.DuckDBPyConnection, file: LandingFile, *, final_newline: bool) -> Scan:
    """Opens one landing file after reading its text to the end.

    Raises:
        Refused: it is damaged, cut short, not UTF-8, or not of its format.
        duckdb.Error: DuckDB cannot read it; `reading_problem` says what that means.
    """
    try:
        if file.format is Format.CSV:
            return scan_csv(file, final_newline=final_newline)
        if file.format is Format.JSONL:
            return scan_jsonl(connection, file)
        return scan_parquet(connection, file)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        problem = "its gzip data are cut short or damaged. Copy the file again."
    except UnicodeDecodeError:
        problem = "it is not UTF-8. Write it as UTF-8."
    raise Refused(problem)


def reading_problem(file: LandingFile, error: duckdb.Error) -> str:
    """A sentence for what DuckDB says of a file; its own text quotes rows and is not for people's eyes."""
    if file.format is Format.CSV:
        return csv_problem(str(error))
    if file.format is Format.JSONL:
        return jsonl_problem(str(error))
    return "its data cannot be decoded. Write or copy it again."
