"""A real shop's sessions, their click ids and their transactions, worked out straight from the file.

Belongs here: what the file says, and which session each transaction is owed to: the standard library only. Does not
belong here: landing rows, any warehouse.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

MICROS = Decimal(1_000_000)


@dataclass(frozen=True)
class Session:
    """One visit. Its times are UTC, its amounts US dollars."""

    visitor: str
    visit: str
    started_at: datetime
    lasted: timedelta
    source: str
    medium: str
    campaign: str
    keyword: str
    path: str
    gclid: str | None
    order_id: str | None
    revenue: Decimal
    total: Decimal

    @property
    def session_id(self) -> str:
        """A visit's number alone is shared by two visitors."""
        return f"{self.visitor}-{self.visit}"

    @property
    def ended_at(self) -> datetime:
        """Its last hit: a transaction happened by then."""
        return self.started_at + self.lasted


def read_sessions(file: Path) -> list[Session]:
    """Every session of the file."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return [_session(row) for row in csv.DictReader(lines)]


def owed_to(order: Session, sessions: list[Session], lookback: timedelta) -> Session | None:
    """The newest session with a gclid of the same visitor that a transaction looks back on, its own before others."""
    candidates = [
        each
        for each in sessions
        if each.gclid
        and each.visitor == order.visitor
        and order.ended_at - lookback <= each.started_at <= order.ended_at
    ]
    return max(candidates, key=lambda each: (each.started_at, each.session_id == order.session_id), default=None)


def _session(row: dict[str, str]) -> Session:
    return Session(
        visitor=row["fullVisitorId"],
        visit=row["visitId"],
        started_at=datetime.fromtimestamp(int(row["visitStartTime"]), UTC),
        lasted=timedelta(seconds=int(row["timeOnSite"] or 0)),
        source=row["source"],
        medium=row["medium"],
        campaign=row["campaign"],
        keyword=row["keyword"],
        path=row["referralPath"],
        gclid=row["gclId"] or None,
        order_id=row["transactionIds"] or None,
        revenue=Decimal(row["transactionRevenue_micros"] or 0) / MICROS,
        total=Decimal(row["totalTransactionRevenue_micros"] or 0) / MICROS,
    )
