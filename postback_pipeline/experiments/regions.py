"""Geo experiments: regions in pairs that were alike before, one of each held out; difference in differences.

Belongs here: pairing regions by their history, and the estimate over pairs. Does not belong here: any table.

A series is an amount per day, in order of days; all series of a call have the same days. An effect is told less held
out, as in `comparison.py`.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from postback_pipeline.experiments.comparison import CONFIDENCE, Comparison, Numbers

#: Days that are taken together when regions are compared: weekdays differ in every region.
WEEK = 7
#: With fewer pairs there is no spread to speak of.
LEAST_PAIRS = 3


@dataclass(frozen=True)
class Pair:
    """Two regions that were alike; chance chose the one that is held out."""

    held_out: str
    told: str
    #: Root mean square of the difference of their weeks' logarithms: 0.1 is about ten per cent.
    distance: float


@dataclass(frozen=True)
class PairSeries:
    """A pair's amount per day, before the start and during the experiment."""

    told_before: Numbers
    told_during: Numbers
    held_out_before: Numbers
    held_out_during: Numbers


def match_regions(history: Mapping[str, Numbers], salt: str) -> list[Pair]:
    """Pairs of the regions that resemble each other most, the best first; of an odd number one is left over.

    Which of a pair is held out follows from `salt` and their names, so that it is the same whenever it is asked.
    """
    weeks = {region: _weeks(series) for region, series in history.items()}
    distances = sorted(
        (float(np.sqrt(np.mean((weeks[one] - weeks[other]) ** 2))), one, other)
        for one, other in itertools.combinations(sorted(weeks), 2)
    )
    taken: set[str] = set()
    pairs: list[Pair] = []
    for distance, one, other in distances:
        if taken.isdisjoint((one, other)):
            taken |= {one, other}
            first = int(hashlib.md5(f"{salt}:{one}:{other}".encode(), usedforsecurity=False).hexdigest(), 16) % 2
            held_out, told = (one, other) if first else (other, one)
            pairs.append(Pair(held_out, told, distance))
    return pairs


def difference_in_differences(pairs: Sequence[PairSeries], confidence: float = CONFIDENCE) -> Comparison | None:
    """What telling adds per region and day: the change of told regions less that of their held-out twins.

    Pairs are the independent units, so that days of one region, which resemble one another, do not count as many:
    Student's interval over the pairs' differences, and the exact sign-flip test over which of each pair was held out.
    The lift is that of the pairs' ratios, by their logarithms. None with fewer than three pairs.
    """
    if len(pairs) < LEAST_PAIRS:
        return None
    differences = np.array([_change(each.told_before, each.told_during) for each in pairs]) - np.array(
        [_change(each.held_out_before, each.held_out_during) for each in pairs]
    )
    told = float(np.mean([each.told_during.mean() for each in pairs]))
    effect = float(differences.mean())
    lift, lift_interval = _log_lift(pairs, confidence)
    return Comparison(
        told=told,
        # What the told regions would have shown untold: the common change, without the effect.
        held_out=told - effect,
        difference=effect,
        difference_interval=_student(differences, confidence),
        lift=lift,
        lift_interval=lift_interval,
        p_value=_sign_flip(differences),
        method=f"difference in differences over {len(pairs)} pairs of regions; Student interval, sign-flip test",
    )


def differs_before(pairs: Sequence[PairSeries], confidence: float = CONFIDENCE) -> bool:
    """Whether told and held-out regions already went different ways before the start: its halves are compared."""
    halves = [
        PairSeries(*_halves(each.told_before), *_halves(each.held_out_before))
        for each in pairs
        if len(each.told_before) > 1
    ]
    compared = difference_in_differences(halves, confidence)
    return compared is not None and compared.is_clear


def detectable_change(pairs: Sequence[PairSeries]) -> float | None:
    """The least effect per region and day that would be seen in four of five experiments, from the pairs' past alone.

    The past's second half stands for the experiment. None with fewer than three pairs.
    """
    if len(pairs) < LEAST_PAIRS:
        return None
    spread = [_change(*_halves(each.told_before)) - _change(*_halves(each.held_out_before)) for each in pairs]
    freedom = len(pairs) - 1
    reach = float(stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom))
    return reach * float(np.std(spread, ddof=1)) / math.sqrt(len(pairs))


def _weeks(series: Numbers) -> Numbers:
    whole = len(series) // WEEK * WEEK
    days = series[-whole:].reshape(-1, WEEK).sum(axis=1) if whole else series
    logarithms: Numbers = np.log1p(days)
    return logarithms


def _halves(series: Numbers) -> tuple[Numbers, Numbers]:
    return series[: len(series) // 2], series[len(series) // 2 :]


def _change(before: Numbers, during: Numbers) -> float:
    return float(during.mean() - before.mean())


def _student(values: Numbers, confidence: float) -> tuple[float, float]:
    if float(np.ptp(values)) == 0:
        return float(values[0]), float(values[0])
    interval = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return float(interval.low), float(interval.high)


def _sign_flip(differences: Numbers) -> float:
    result = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9_999, rng=np.random.default_rng(1)
    )
    return float(result.pvalue)


def _log_lift(pairs: Sequence[PairSeries], confidence: float) -> tuple[float | None, tuple[float, float] | None]:
    means = np.array(
        [
            [
                float(part.mean())
                for part in (each.told_during, each.told_before, each.held_out_during, each.held_out_before)
            ]
            for each in pairs
        ]
    )
    if np.any(means <= 0):
        return None, None
    logarithms = np.log(means) @ np.array([1.0, -1.0, -1.0, 1.0])
    low, high = _student(logarithms, confidence)
    return math.exp(float(logarithms.mean())) - 1, (math.exp(low) - 1, math.exp(high) - 1)
