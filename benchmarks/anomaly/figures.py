"""A shop's conversions as the daily counts of which the metrics are made.

Belongs here: counts per day, before any fault; from counts to series. Does not belong here: reading (`shops`), faults.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.anomaly.shops import Shop
from postback_pipeline.anomalies.series import METRICS, Point, Series
from postback_pipeline.anomalies.time_of_day import time_of_day

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """Per day of a shop, each array as long as `days`."""

    shop: Shop
    days: list[date]
    conversions: Numbers
    #: metric -> what its value is made of: top and bottom. A bottom of 0 is a day without a value.
    parts: dict[str, tuple[Numbers, Numbers]]
    #: By hour of the local day, days x 24.
    hours: Numbers | None

    @property
    def sent_a_day(self) -> float:
        """How many postbacks leave on a day that has conversions."""
        top = self.parts["acceptance_rate"][1]
        return float(np.mean(top[self.conversions > 0]))

    @property
    def label(self) -> str:
        """Which shop and destination."""
        return f"{self.shop.name}, {self.shop.destination}"

    def changed(self, metric: str, top: Numbers) -> Figures:
        """The same with another top of one metric."""
        return replace(self, parts={**self.parts, metric: (top, self.parts[metric][1])})

    def series(self, metric: str, days: int) -> Series:
        """One metric's first so many days."""
        points = self._hourly(days) if metric == "time_of_day" else self._daily(metric, days)
        return Series(self.shop.destination, "purchase", METRICS[metric], points)

    @property
    def metrics(self) -> list[str]:
        """What this shop has."""
        return ["volume", *self.parts, *(["time_of_day"] if self.hours is not None else [])]

    def _daily(self, metric: str, days: int) -> list[Point]:
        if metric == "volume":
            return [Point(day, float(n)) for day, n in zip(self.days[:days], self.conversions, strict=False)]
        top, bottom = self.parts[metric]
        rows = zip(self.days[:days], top, bottom, strict=False)
        return [Point(day, float(over / under), float(under)) for day, over, under in rows if under > 0]

    def _hourly(self, days: int) -> list[Point]:
        assert self.hours is not None
        # They are on the local clock already.
        rows = [
            (datetime(day.year, day.month, day.day, hour, tzinfo=UTC), int(count))
            for day, counts in zip(self.days[:days], self.hours, strict=False)
            for hour, count in enumerate(counts)
            if count
        ]
        return time_of_day(rows, "UTC")


def figures_of(shop: Shop, seed: int) -> Figures:
    """Counts per local day; what is made comes from the seed."""
    local = shop.conversions["at"].dt.tz_convert(shop.time_zone)
    made = shop.conversions.assign(day=local.dt.date, hour=local.dt.hour)
    first, last = min(made["day"]), max(made["day"])
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    by_day = made.groupby("day")

    def per_day(column: pd.Series) -> Numbers:
        return np.asarray(column.reindex(days).fillna(0), dtype=float)

    count = per_day(by_day.size())
    matched = per_day(by_day["is_matched"].sum())
    parts = {"match_rate": (matched, count)}
    if made["value"].notna().any():
        parts["value_per_conversion"] = (per_day(by_day["value"].sum()), count)
    if made["is_seen_by_pixel"].notna().any():
        seen = per_day(by_day["is_seen_by_pixel"].sum())
        parts |= {
            "pixel_share": (seen, count),
            "pixel_delay": (per_day(by_day["pixel_delay"].median()) * seen, seen),
        }
    if shop.refunds is not None:
        exposure = np.convolve(count, np.ones(7) / 7)[: len(count)]
        parts["refund_rate"] = (per_day(shop.refunds.value_counts()), exposure)
    parts |= _made(count if shop.destination == "(all)" else matched, np.random.default_rng(seed))
    hours = None
    if shop.has_hours:
        counted = made.groupby(["day", "hour"]).size().unstack(fill_value=0)
        hours = np.asarray(counted.reindex(index=days, columns=range(24)).fillna(0), dtype=float)
    return Figures(shop, days, count, parts, hours)


def _made(sent: Numbers, chance: np.random.Generator) -> dict[str, tuple[Numbers, Numbers]]:
    """What becomes of what is sent: good days and bad days differ by more than chance, one in fifty is bad."""
    shape = len(sent)
    accepted = chance.binomial(sent.astype(int), chance.beta(98.5 * 2, 1.5 * 2, shape)).astype(float)
    delivered = chance.binomial(sent.astype(int), chance.beta(96 * 2, 4 * 2, shape)).astype(float)
    # Most of what was accepted, and now and then what the platform's own pixel saw besides.
    reported = chance.binomial(accepted.astype(int), chance.beta(85, 15, shape)) + chance.poisson(0.03 * accepted)
    reported = reported.astype(float)
    # A median of so many, log-normal with a day's own mood.
    mood = chance.normal(0, 0.25, shape) + chance.normal(0, 1, shape) / np.sqrt(np.maximum(accepted, 1))
    latency = 600 * np.exp(mood)
    return {
        "acceptance_rate": (accepted, sent),
        "delivered_share": (delivered, sent),
        "report_rate": (reported, accepted),
        "latency": (latency * accepted, accepted),
    }
