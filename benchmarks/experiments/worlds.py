"""Simulated experiments of which the true effect is known: persons, conversions and regions drawn from a seed.

Belongs here: how such data comes about. Does not belong here: estimates, or counting how often they hold.
"""

from __future__ import annotations

import numpy as np

from postback_pipeline.experiments.comparison import Numbers
from postback_pipeline.experiments.regions import PairSeries

#: Units of an experiment that holds out a fifth.
TOLD, HELD_OUT = 1_600, 400
PAIRS, DAYS_BEFORE, DAYS_DURING = 12, 56, 28

Group = tuple[Numbers, Numbers]


def persons_who_buy_again(chance: np.random.Generator, share: float, units: int) -> Group:
    """Per person whether a further conversion came, and 1."""
    return (chance.random(units) < share).astype(np.float64), np.ones(units)


def known_conversions(chance: np.random.Generator, share: float, units: int) -> Group:
    """Per person how many conversions the platform knows, and how many there are; those of one person resemble."""
    sizes = 1 + chance.poisson(1.5, units)
    inclination = chance.beta(4 * share, 4 * (1 - share), units)
    return chance.binomial(sizes, inclination).astype(np.float64), sizes.astype(np.float64)


def spending(chance: np.random.Generator, mean: float, units: int) -> Numbers:
    """Per person an amount: a third spends, with a long tail, `mean` on average over all."""
    sigma = 0.9
    bought = chance.random(units) < 1 / 3
    amounts = chance.lognormal(np.log(3 * mean) - sigma**2 / 2, sigma, units)
    return np.where(bought, amounts, 0.0)


def known_value(chance: np.random.Generator, share: float, units: int) -> Group:
    """Per person the value that the platform knows, and the value; large ones are no likelier to be known."""
    known, sizes = known_conversions(chance, share, units)
    basket = chance.lognormal(3.5, 0.6, units)
    return known * basket, sizes * basket


def regions(chance: np.random.Generator, added: float, factor: float) -> list[PairSeries]:
    """Pairs of regions with common ups and downs and their own; told ones get `added`, times `factor`."""
    days = DAYS_BEFORE + DAYS_DURING
    common = 1 + 0.2 * np.sin(np.arange(days) * 2 * np.pi / 7) + 0.002 * np.arange(days)
    return [_pair(chance, common, float(level), added, factor) for level in chance.lognormal(4.6, 0.4, PAIRS)]


def _pair(chance: np.random.Generator, common: Numbers, level: float, added: float, factor: float) -> PairSeries:
    told, held_out = (level * common * (1 + _lasting_noise(chance, len(common))) for _ in range(2))
    told_during = (told[DAYS_BEFORE:] + added) * factor
    return PairSeries(told[:DAYS_BEFORE], told_during, held_out[:DAYS_BEFORE], held_out[DAYS_BEFORE:])


def _lasting_noise(chance: np.random.Generator, days: int, carried: float = 0.7) -> Numbers:
    shocks = chance.normal(0, 0.06, days)
    noise = np.zeros(days)
    for day in range(1, days):
        noise[day] = carried * noise[day - 1] + shocks[day]
    return noise
