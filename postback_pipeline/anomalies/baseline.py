"""What is expected of a day, from the days before it alone, and how far days usually are from that.

Belongs here: level, weekdays, spread. Does not belong here: whether a day is out of range, and what follows (`judge`).

The level is exponential smoothing made robust as Gelper, Fried and Croux describe it (2010): a day moves it by no more
than a few times the usual spread. Weekdays are medians of what their days were beside the week around them. The spread
is a robust scale of how far the forecasts of the days before were off, so whatever makes forecasts bad (a trend, a
season that is not known, noise) widens it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median, variance

import numpy as np
from scipy import special
from statsmodels.robust import scale as robust

from postback_pipeline.anomalies.series import Metric
from postback_pipeline.anomalies.shapes import MULTIPLIED, chance, from_scale, to_scale

_WEEK = 7
#: A median of absolute deviations, as a standard deviation.
_AS_DEVIATION = 1 / float(special.ndtri(0.75))


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was chosen by measuring (`benchmarks/anomaly`); in days unless it says otherwise."""

    #: A day weighs half of one that is so many days newer.
    half_life: float = 10.0
    #: From how many days weekdays and spread are taken.
    memory: int = 84
    #: Days that are only learnt from, before any is judged.
    learning: int = 35
    #: A day moves level and evidence by at most so many times the spread.
    clip: float = 2.5
    #: Spread is at least what the day at this quantile says: of what only machines move ...
    tail: float = 0.9
    #: ... and of the rest, which has a longer tail: orders, money, seconds.
    long_tail: float = 0.985


class Baseline:
    """The state of one series after the days that it has learnt."""

    def __init__(self, metric: Metric, tuning: Tuning) -> None:
        self._shape = metric.shape
        self._is_steady, self._least_spread = metric.is_steady, metric.least_spread
        self._tuning = tuning
        self._keep = 0.5 ** (1 / tuning.half_life)
        self._sum = self._mass = 0.0
        #: Weekday, value on the scale, and its weight in the level; of the last days that were learnt.
        self._days: list[tuple[int, float, float]] = []
        self._week = [1.0 if metric.shape in MULTIPLIED else 0.0] * _WEEK
        self._spread = math.inf
        self._learnt = 0

    @property
    def knows(self) -> bool:
        """Whether there has been enough to judge by."""
        return self._learnt >= self._tuning.learning and math.isfinite(self._spread)

    @property
    def spread(self) -> float:
        """How far days usually are from what was expected of them, in units of chance."""
        return self._spread

    def expected(self, weekday: int) -> float:
        """On the scale."""
        level = self._sum / self._mass if self._mass else 0.0
        return level * self._week[weekday] if self._shape in MULTIPLIED else level + self._week[weekday]

    def bounds(self, weekday: int, weight: float, sigmas: float) -> tuple[float, float]:
        """The range within so many times the spread, as values of the metric."""
        scaled, reach = self.expected(weekday), sigmas * self._spread * chance(self._shape, weight)
        return from_scale(self._shape, scaled - reach), from_scale(self._shape, scaled + reach)

    def learn(self, weekday: int, value: float, weight: float) -> None:
        """Takes a day in, as far as it may be believed."""
        scaled, mass = to_scale(self._shape, value, weight), 1 / chance(self._shape, weight) ** 2
        self._days = [*self._days[-self._tuning.memory + 1 :], (weekday, scaled, mass)]
        self._move(weekday, self._believed(weekday, scaled, mass), mass)
        self._learnt += 1
        if len(self._days) >= 2 * _WEEK and self._learnt % _WEEK == 0:
            self._learn_weekdays()
            self._learn_spread()

    @property
    def level(self) -> tuple[float, float]:
        """What `go_back` takes."""
        return self._sum, self._mass

    def go_back(self, level: tuple[float, float]) -> None:
        """Makes the level what it was: the days since then turned out to be no evidence."""
        self._sum, self._mass = level

    def settle(self, days: list[tuple[int, float, float]]) -> None:
        """Makes these days' level the usual one: weekday, value, weight of each. Weekdays and spread stay."""
        before = self._sum / self._mass if self._mass else 0.0
        self._sum = self._mass = 0.0
        settled = [
            (weekday, to_scale(self._shape, value, weight), 1 / chance(self._shape, weight) ** 2)
            for weekday, value, weight in days
        ]
        for each in settled:
            self._move(*each)
        after = self._sum / self._mass if self._mass else 0.0
        # What is remembered is told as if the level had always been this one, or the step would count as spread.
        self._days = [(weekday, self._moved(scaled, before, after), mass) for weekday, scaled, mass in self._days]
        self._days = [*self._days, *settled][-self._tuning.memory :]

    def forget(self) -> None:
        """What was usual has no say any more; after a week it judges again, by the weekdays and the spread it had."""
        self._sum = self._mass = 0.0
        self._days = []
        self._learnt = min(self._learnt, self._tuning.learning - _WEEK)

    def _moved(self, scaled: float, before: float, after: float) -> float:
        if self._shape in MULTIPLIED:
            return scaled * after / before if before > 0 else scaled
        return scaled + after - before

    def _move(self, weekday: int, scaled: float, mass: float) -> None:
        factor = self._week[weekday]
        if self._shape in MULTIPLIED:
            add, weigh = scaled * factor * mass, factor * factor * mass
        else:
            add, weigh = (scaled - factor) * mass, mass
        self._sum = self._sum * self._keep + add
        self._mass = self._mass * self._keep + weigh

    def _learn_weekdays(self) -> None:
        weekdays, values = np.array([d[0] for d in self._days]), np.array([d[1] for d in self._days])
        around = np.convolve(values, np.ones(_WEEK) / _WEEK, "valid")
        # At the ends, where the week around is not whole, the nearest whole week stands for it.
        levels = np.concatenate([np.full(3, around[0]), around, np.full(3, around[-1])])
        is_multiplied = self._shape in MULTIPLIED
        beside = values / np.maximum(levels, 1e-9) if is_multiplied else values - levels
        middle = 1.0 if is_multiplied else 0.0
        found, doubt = [middle] * _WEEK, []
        for weekday in range(_WEEK):
            mine = beside[weekdays == weekday].tolist()
            if len(mine) >= 2:
                found[weekday] = median(mine)
                deviation = median([abs(each - found[weekday]) for each in mine]) * _AS_DEVIATION
                # The variance of a median of so many.
                doubt.append(math.pi / 2 * deviation**2 / len(mine))
        # As much of the difference between weekdays is believed as chance among so few days does not explain.
        between = variance(found)
        believed = max(0.0, 1 - fmean(doubt) / between) if between > 0 and doubt else 0.0
        self._week = [float(middle + believed * (each - middle)) for each in found]

    def _learn_spread(self) -> None:
        """Forecasts every day that is remembered from the days before it, as though these had been the weekdays."""
        self._sum = self._mass = 0.0
        errors = []
        for number, (weekday, scaled, mass) in enumerate(self._days):
            # The first week only makes a level.
            if number >= _WEEK:
                errors.append((scaled - self.expected(weekday)) * math.sqrt(mass))
            self._move(weekday, self._believed(weekday, scaled, mass), mass)
        far = np.abs(np.array(errors))
        tail = self._tuning.tail if self._is_steady else self._tuning.long_tail
        outer = float(np.quantile(far, tail)) / float(special.ndtri((1 + tail) / 2))
        self._spread = max(float(robust.mad(far, center=0.0)), outer, self._least_spread)

    def _believed(self, weekday: int, scaled: float, mass: float) -> float:
        """As far from what was expected as a day may be."""
        if not self._mass or not math.isfinite(self._spread):
            return scaled
        expected, reach = self.expected(weekday), self._tuning.clip * self._spread / math.sqrt(mass)
        return min(max(scaled, expected - reach), expected + reach)
