"""The file that Microsoft's Reporting service hands out: a table of values, zipped.

Belongs here: its columns, and what stands in them. Does not belong here: ordering and fetching it (`microsoft`).
Sources: learn.microsoft.com/en-us/advertising/guides/request-download-report; columns as msads 13.0.30.1 has them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from postback_pipeline.platforms.base import PullError, ReportRow
from postback_pipeline.platforms.reading import decimal, text

#: As they are asked for, and as they stand in the file's first line.
COLUMNS = ("TimePeriod", "GoalId", "Goal", "AllConversions", "AllRevenue")
#: Bytes of the table, unzipped.
LONGEST = 64 << 20
#: How a day may be written. Unverified: the second, which is that of accounts in American English.
DAYS = ("%Y-%m-%d", "%m/%d/%Y")
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


def rows_of(file: bytes, currency: str) -> tuple[ReportRow, ...]:
    """The table's rows; conversions of goals without one of the days are not in it."""
    table = csv.DictReader(io.StringIO(_unzipped(file), newline=""), strict=True)
    try:
        rows = list(table)
    except csv.Error:
        raise PullError("The file is no table.") from None
    if missing := [column for column in COLUMNS if column not in (table.fieldnames or ())]:
        raise PullError(f"The file has no column {missing[0]}.")
    return tuple(_row(row, currency) for row in rows)


def _unzipped(file: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            (only,) = archive.infolist()
            if only.file_size > LONGEST:
                raise PullError(f"The file is longer than {LONGEST} bytes.")
            return archive.read(only).decode("utf-8-sig")
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError, NotImplementedError):
        raise PullError("The file is no zipped table.") from None


def _row(row: Mapping[str | None, str | None], currency: str) -> ReportRow:
    return ReportRow(
        _day(text(row, "TimePeriod")),
        text(row, "Goal"),
        _number(row, "AllConversions"),
        _number(row, "AllRevenue"),
        currency,
    )


def _number(row: Mapping[str | None, str | None], column: str) -> Decimal:
    # Only what can be nothing but thousands: 12,5 is twelve and a half to whoever wrote it, and is refused.
    written = text(row, column)
    return decimal({column: written.replace(",", "") if _THOUSANDS.fullmatch(written) else written}, column)


def _day(written: str) -> date:
    for form in DAYS:
        try:
            return datetime.strptime(written, form).date()
        except ValueError:
            continue
    raise PullError("TimePeriod is no day.")
