"""What became of a marketplace's leads, counted straight from its two files: the standard library only.

Belongs here: what the files say. Does not belong here: landing rows, routes, any warehouse.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Lead:
    """One lead. Its first contact is known to the day, its deal to the second, both by the clock of São Paulo."""

    lead_id: str
    contacted_on: str
    landing_page: str
    origin: str
    won_at: str | None

    @property
    def is_won_before_contact(self) -> bool:
        """Whether its deal is dated on an earlier day than its first contact."""
        return self.won_at is not None and self.won_at[:10] < self.contacted_on

    @property
    def days_to_win(self) -> int | None:
        """Days from the first contact to the deal."""
        if self.won_at is None:
            return None
        return (datetime.fromisoformat(self.won_at[:10]) - datetime.fromisoformat(self.contacted_on)).days


def read_leads(leads: Path, deals: Path) -> list[Lead]:
    """Every lead, with its deal if there was one."""
    won = {row["mql_id"]: row["won_date"] for row in _rows(deals)}
    found = [
        Lead(
            row["mql_id"],
            row["first_contact_date"],
            row["landing_page_id"],
            row["origin"],
            won.pop(row["mql_id"], None),
        )
        for row in _rows(leads)
    ]
    if won:
        raise SystemExit(f"{len(won)} deals belong to no lead.")
    return found


def by_month(days: Iterable[str | None]) -> dict[str, int]:
    """Month (2018-02) -> how many of the days or times lie in it."""
    return dict(sorted(Counter(day[:7] for day in days if day).items()))


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
