"""A shop's landed rows, made up from a seed, straight into schema `raw`.

Belongs here: the shape of the input, and writing what arrives on a range of days. Does not belong here: the rows
themselves (`build_rows/*.sql`), the routes that they are for (`build_deployment.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

#: Midnight before the first click.
START = datetime(2024, 1, 1, tzinfo=UTC)
_FOLDER = Path(__file__).parent / "build_rows"
_TABLES = ("clicks", "orders", "refunds", "pixel_events", "consents", "files")


@dataclass(frozen=True)
class Shape:
    """`clicks` and `orders` spread evenly over `days`; later days go on at the same rate."""

    clicks: int
    orders: int
    days: int
    seed: int
    #: From this day on one click in a hundred arrives a day late; earlier ones are all there.
    late_from: int

    @property
    def as_of(self) -> datetime:
        """When the history is built: early in the morning after its last day."""
        return as_of(self.days)


def as_of(days: int) -> datetime:
    """The morning on which `days` days have been loaded. UTC."""
    return START + timedelta(days=days, hours=6)


def write_arrivals(connection: duckdb.DuckDBPyConnection, shape: Shape, first_day: int, end_day: int) -> None:
    """Appends what arrives from `first_day` on, before `end_day` (both counted from 0), as one load per file would."""
    variables: dict[str, object] = {
        "seed": shape.seed,
        "start": START,
        "days": shape.days,
        "clicks": shape.clicks,
        "orders": shape.orders,
        "late_from": shape.late_from,
        "first_day": first_day,
        "end_day": end_day,
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = ?::{'timestamptz' if name == 'start' else 'bigint'}", [value])
    for table in ("numbers", *_TABLES):
        connection.execute((_FOLDER / f"{table}.sql").read_text(encoding="utf-8"))
