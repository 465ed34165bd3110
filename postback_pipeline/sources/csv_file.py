"""CSV: counted by us, read by DuckDB in its strict mode.

Belongs here: what makes a file regular CSV (UTF-8, comma, doubled quotation marks, one kind of line break).
Does not belong here: what its columns mean.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from postback_pipeline.sources.files import LandingFile
from postback_pipeline.sources.results import Refused
from postback_pipeline.sources.scan import Scan, path_literal, refuse_duplicates

_LINE_ENDS = re.compile(rb"[\r\n]+")
_IRREGULAR = (
    "it is not regular CSV: look for a field too many at the end of a row, a quotation mark inside an unquoted value,"
    " or two kinds of line breaks."
)

_UNENDED = "a quoted value does not end, or text follows its closing quotation mark."


@dataclass(frozen=True, slots=True)
class _Counted:
    """What our own reading counted outside quoted values: rows (with the header) and commas."""

    rows: int
    commas: int


def scan_csv(file: LandingFile, *, final_newline: bool) -> Scan:
    """Opens a CSV file whose header names its columns; `final_newline` wants a line break at its end.

    Raises:
        Refused: it is damaged, cut short, irregular, or names a column twice.
    """
    counted = _count(file, final_newline)
    header = _header(file)
    refuse_duplicates(header)
    # DuckDB passes over one empty field too many at the end of a row, which shifted values would leave there.
    doubt = _IRREGULAR if counted.commas != counted.rows * (len(header) - 1) else None
    types = ", ".join(f"'c{number}': 'varchar'" for number in range(len(header)))
    relation = (
        f"read_csv({path_literal(file.path)}, columns={{{types}}}, header=true, delim=',', quote='\"', escape='\"',"
        " comment='', auto_detect=false, strict_mode=true, null_padding=false, hive_partitioning=false,"
        f" parallel=false, compression='{'gzip' if file.is_gzip else 'none'}')"
    )
    columns = {column: f"c{number}" for number, column in enumerate(header)}
    return Scan(relation, columns, rows=counted.rows - 1, doubt=doubt)


def csv_problem(complaint: str) -> str:
    """A sentence for DuckDB's complaint, of which only line and counts are told: the rest quotes the row."""
    line = re.search(r"CSV Error on Line: (\d+)", complaint)
    where = f"line {line[1]}: " if line else ""
    if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", complaint):
        return f"{where}{fields[2]} fields where the header has {fields[1]}."
    if "unterminated quote" in complaint:
        return where + _UNENDED
    return where + _IRREGULAR


def _header(file: LandingFile) -> list[str]:
    try:
        with io.TextIOWrapper(file.open(), encoding="utf-8-sig", newline="") as text:
            return next(csv.reader(text, strict=True))
    except (csv.Error, StopIteration):
        pass
    raise Refused("its header cannot be read as CSV.")


def _count(file: LandingFile, final_newline: bool) -> _Counted:
    rows = commas = 0
    in_quotes = False
    line_ends = last = b""
    for chunk in file.chunks():
        pieces = chunk.split(b'"')
        # Every other piece lies outside quotes; a doubled quote leaves an empty piece and the parity as it was.
        outside = line_ends + b"".join(pieces[in_quotes::2])
        in_quotes ^= len(pieces) % 2 == 0
        body = outside.rstrip(b"\r\n")
        line_ends = outside[len(body) :]
        rows += len(_LINE_ENDS.findall(body))
        commas += body.count(b",")
        last = chunk[-1:]
    if not last:
        raise Refused("it is empty: not even a header. Copy the file again.")
    # DuckDB drops a last row whose quoted value runs to the end of the file.
    if in_quotes:
        raise Refused(_UNENDED)
    if last in b"\r\n":
        return _Counted(rows + bool(line_ends), commas)
    if final_newline:
        raise Refused(
            "its last line has no line break, so it may have been cut short. Copy it again; if it is whole,"
            ' set final_newline = "optional" for this source.'
        )
    return _Counted(rows + 1, commas)
