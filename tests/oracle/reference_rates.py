"""Reference rates of the European Central Bank, and what amounts come to by them: the standard library only.

Belongs here: the file's rates, which of them holds on a day, exact decimal arithmetic. Does not belong here: landing
rows, any warehouse.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

BASE = "EUR"
TWELVE = Decimal("0.000000000001")
WEEK = timedelta(days=7)


class ReferenceRates:
    """How much of each currency a euro bought, day by day."""

    def __init__(self, file: Path) -> None:
        self._per_euro: dict[date, dict[str, Decimal]] = {}
        with zipfile.ZipFile(file) as archive:
            text = archive.read("eurofxref-hist.csv").decode()
        for row in csv.DictReader(io.StringIO(text)):
            day = date.fromisoformat(row.pop("Date"))
            # Every line ends in a comma: a column without a name.
            rates = {currency: Decimal(rate) for currency, rate in row.items() if currency and rate != "N/A"}
            self._per_euro[day] = {**rates, BASE: Decimal(1)}

    @property
    def days(self) -> list[date]:
        """The days with rates, the oldest first."""
        return sorted(self._per_euro)

    def rows(self) -> Iterator[tuple[date, str, Decimal]]:
        """(day, currency, its worth in euros to twelve decimals), the euro itself included."""
        for day, rates in self._per_euro.items():
            for currency, rate in rates.items():
                yield day, currency, (1 / rate).quantize(TWELVE, ROUND_HALF_UP)

    def last_day(self, currency: str) -> date:
        """The newest day with a rate of that currency."""
        return max(day for day, rates in self._per_euro.items() if currency in rates)

    def day_of_rate(self, currency: str, day: date) -> date | None:
        """The newest day with a rate of that currency, `day` itself or one of the six before it."""
        days = [day - timedelta(days=back) for back in range(7)]
        return next((each for each in days if currency in self._per_euro.get(each, {})), None)

    def rate(self, source: str, target: str, day: date) -> Decimal | None:
        """What a unit of `source` is worth in `target`, from both rates to the euro, cut after twelve decimals."""
        here, there = self._to_euro(source, day), self._to_euro(target, day)
        return None if here is None or there is None else (here / there).quantize(TWELVE, ROUND_DOWN)

    def true_amount(self, amount: Decimal, source: str, target: str, day: date) -> Decimal:
        """The amount in `target`, unrounded, by the rates as they were published."""
        here, there = (self.day_of_rate(currency, day) for currency in (source, target))
        assert here and there
        return amount * self._per_euro[there][target] / self._per_euro[here][source]

    def _to_euro(self, currency: str, day: date) -> Decimal | None:
        found = self.day_of_rate(currency, day)
        return (1 / self._per_euro[found][currency]).quantize(TWELVE, ROUND_HALF_UP) if found else None
