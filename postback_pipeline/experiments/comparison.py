"""Two groups of units compared: what telling a destination adds, with an interval.

Belongs here: estimates and intervals of rates, of amounts per unit and of shares of amounts. Does not belong here: any
table, money's currency, regions (`regions.py`), whether the groups are what they should be (`checks.py`).

Everywhere *told* is the group whose conversions are reported and *held out* the one whose are not; a difference is told
less held out, a lift told ÷ held out - 1. Units are independent of one another, what one unit does is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

Numbers = npt.NDArray[np.float64]
Interval = tuple[float, float]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """What was seen in both groups, and what can be said about the difference at the given confidence."""

    told: float
    held_out: float
    difference: float
    difference_interval: Interval
    #: None where nothing was seen in the held-out group, so that nothing can be said in per cent.
    lift: float | None
    lift_interval: Interval | None
    #: How often chance alone would show at least this difference.
    p_value: float
    #: How the interval was made, in a statistician's words.
    method: str

    @property
    def is_clear(self) -> bool:
        """The interval of the difference leaves out zero."""
        low, high = self.difference_interval
        return low > 0 or high < 0


def compare_shares(
    told: tuple[Numbers, Numbers], held_out: tuple[Numbers, Numbers], confidence: float = CONFIDENCE
) -> Comparison | None:
    """Compares a share of things that belong to units, such as the known ones among each person's conversions.

    Each group: per unit how many of its things have the property, and how many it has. Newcombe's interval for the
    difference and the score interval for the ratio, over counts divided by the group's design effect: things of one
    unit resemble one another, and so tell less than as many things of as many units. None where a group has no thing.
    """
    if not _has_units(told) or not _has_units(held_out):
        return None
    count_told, size_told = _effective_counts(*told)
    count_held, size_held = _effective_counts(*held_out)
    share_told, share_held = count_told / size_told, count_held / size_held
    counts = (count_told, size_told, count_held, size_held)
    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb", alpha=1 - confidence)
    lift_interval = None
    if share_held > 0 and share_told > 0:
        ratio_low, ratio_high = confint_proportions_2indep(
            *counts, compare="ratio", method="score", alpha=1 - confidence
        )
        lift_interval = (float(ratio_low) - 1, float(ratio_high) - 1)
    p_value = 1.0
    if share_told != share_held:
        # It also works out ratios that nobody asked for, over what may be zero.
        with np.errstate(divide="ignore"):
            p_value = float(test_proportions_2indep(*counts, compare="diff", method="score").pvalue)
    return Comparison(
        told=share_told,
        held_out=share_held,
        difference=share_told - share_held,
        difference_interval=(float(low), float(high)),
        lift=share_told / share_held - 1 if share_held > 0 else None,
        lift_interval=lift_interval,
        p_value=p_value,
        method="Newcombe interval of two shares, counts divided by the design effect of units",
    )


def compare_means(told: Numbers, held_out: Numbers, confidence: float = CONFIDENCE) -> Comparison | None:
    """Compares an amount per unit, such as the value of later orders per person. None with fewer than two units each.

    Welch's interval for the difference; for the ratio the delta method on its logarithm.
    """
    if len(told) < 2 or len(held_out) < 2:
        return None
    compared = CompareMeans(DescrStatsW(told), DescrStatsW(held_out))
    variances = tuple(float(np.var(group, ddof=1)) / len(group) for group in (told, held_out))
    mean_told, mean_held = float(np.mean(told)), float(np.mean(held_out))
    if sum(variances) == 0:
        low = high = mean_told - mean_held
        p_value = 1.0 if low == 0 else 0.0
    else:
        low, high = compared.tconfint_diff(alpha=1 - confidence, usevar="unequal")
        p_value = float(compared.ttest_ind(usevar="unequal")[1])
    freedom = _welch_freedom(variances, (len(told), len(held_out)))
    return Comparison(
        told=mean_told,
        held_out=mean_held,
        difference=mean_told - mean_held,
        difference_interval=(float(low), float(high)),
        lift=mean_told / mean_held - 1 if mean_held > 0 else None,
        lift_interval=_ratio_interval((mean_told, mean_held), variances, freedom, confidence),
        p_value=p_value,
        method="Welch interval of two means per unit; delta method for the ratio",
    )


def compare_ratios(
    told: tuple[Numbers, Numbers], held_out: tuple[Numbers, Numbers], confidence: float = CONFIDENCE
) -> Comparison | None:
    """Compares a sum of one amount over a sum of another, such as known value ÷ value, clustered by unit.

    Each group: per unit the part and the whole. The ratio's variance by the delta method over units. None where a group
    has fewer than two units or a whole of nothing.
    """
    if any(len(whole) < 2 or float(whole.sum()) <= 0 for _, whole in (told, held_out)):
        return None
    (ratio_told, variance_told), (ratio_held, variance_held) = _ratio(*told), _ratio(*held_out)
    difference, variances = ratio_told - ratio_held, (variance_told, variance_held)
    freedom = _welch_freedom(variances, (len(told[1]), len(held_out[1])))
    error = math.sqrt(sum(variances))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    statistic = difference / error if error else math.copysign(math.inf, difference) if difference else 0.0
    return Comparison(
        told=ratio_told,
        held_out=ratio_held,
        difference=difference,
        difference_interval=(difference - reach, difference + reach),
        lift=ratio_told / ratio_held - 1 if ratio_held > 0 else None,
        lift_interval=_ratio_interval((ratio_told, ratio_held), variances, freedom, confidence),
        p_value=float(2 * stats.t.sf(abs(statistic), freedom)),
        method="ratio of sums, clustered by unit (delta method)",
    )


def _has_units(group: tuple[Numbers, Numbers]) -> bool:
    return bool(len(group[1])) and float(group[1].sum()) > 0


def _effective_counts(having: Numbers, sizes: Numbers) -> tuple[float, float]:
    """The counts, as small as they would be if each thing were a unit of its own."""
    total, units = float(sizes.sum()), len(sizes)
    share = float(having.sum()) / total
    simple = share * (1 - share) / total
    if units < 2 or np.all(sizes == 1):
        effect = 1.0
    elif simple > 0:
        effect = max(1.0, _ratio(having, sizes)[1] / simple)
    else:
        # All or none: how alike the things of one unit are cannot be seen, so they count as one.
        effect = float((sizes**2).sum()) / total
    return share * total / effect, total / effect


def _ratio(part: Numbers, whole: Numbers) -> tuple[float, float]:
    """The ratio of the sums, and the variance of that ratio over units."""
    units, total = len(whole), float(whole.sum())
    ratio = float(part.sum()) / total
    residuals = part - ratio * whole
    return ratio, units / (units - 1) * float((residuals**2).sum()) / total**2


def _welch_freedom(variances: tuple[float, ...], sizes: tuple[int, ...]) -> float:
    below = sum(variance**2 / (size - 1) for variance, size in zip(variances, sizes, strict=True))
    return sum(variances) ** 2 / below if below else float(sum(sizes) - 2)


def _ratio_interval(
    values: tuple[float, float], variances: tuple[float, ...], freedom: float, confidence: float
) -> Interval | None:
    if min(values) <= 0:
        return None
    error = math.sqrt(sum(variance / value**2 for value, variance in zip(values, variances, strict=True)))
    middle, reach = math.log(values[0] / values[1]), float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    return math.exp(middle - reach) - 1, math.exp(middle + reach) - 1
