"""How often intervals hold the truth, over many simulated experiments.

Belongs here: the cases, counting, and what a count means. Does not belong here: the simulated data (`worlds.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.experiments import worlds
from benchmarks.experiments.worlds import HELD_OUT, TOLD
from postback_pipeline.experiments.comparison import Comparison, compare_means, compare_ratios, compare_shares
from postback_pipeline.experiments.regions import difference_in_differences

Draw = Callable[[np.random.Generator], Comparison | None]


@dataclass(frozen=True)
class Case:
    """One kind of experiment, and the effect that is put in: a difference, a lift, or both."""

    name: str
    draw: Draw
    difference: float | None
    lift: float | None


@dataclass(frozen=True)
class Coverage:
    """Shares of the simulations whose interval held the effect; None where the case does not put one in."""

    name: str
    simulations: int
    difference: float | None
    lift: float | None
    #: Simulations that had no interval of the lift, which its share leaves out.
    without_lift: int
    #: Width of the difference's interval ÷ the effect, on average: how much is seen at all.
    relative_width: float | None


def cases() -> list[Case]:
    """Every estimate that people are shown."""
    return [
        Case("share of persons", _shares(worlds.persons_who_buy_again, 0.12, 0.10), 0.02, 0.2),
        Case("rare share", _shares(worlds.persons_who_buy_again, 0.02, 0.01), 0.01, 1.0),
        Case("known conversions, by person", _shares(worlds.known_conversions, 0.9, 0.6), 0.3, 0.5),
        Case("amount per person", _means(12.0, 10.0), 2.0, 0.2),
        Case("known value, by person", _ratios(0.9, 0.6), 0.3, 0.5),
        Case("regions, amount added", lambda chance: _regions(chance, 10.0, 1.0), 10.0, None),
        Case("regions, by a factor", lambda chance: _regions(chance, 0.0, 1.1), None, 0.1),
        Case("regions, nothing", lambda chance: _regions(chance, 0.0, 1.0), 0.0, 0.0),
        Case("no effect", _means(10.0, 10.0), 0.0, 0.0),
    ]


def measure(case: Case, simulations: int, seed: int) -> Coverage:
    """Draws, compares and counts; the same seed, the same result."""
    chance = np.random.default_rng(seed)
    found = [compared for compared in (case.draw(chance) for _ in range(simulations)) if compared is not None]
    widths = [compared.difference_interval[1] - compared.difference_interval[0] for compared in found]
    return Coverage(
        name=case.name,
        simulations=len(found),
        difference=_share_holding([compared.difference_interval for compared in found], case.difference),
        lift=_share_holding([compared.lift_interval for compared in found], case.lift),
        without_lift=sum(compared.lift_interval is None for compared in found),
        relative_width=float(np.mean(widths)) / case.difference if case.difference else None,
    )


def _share_holding(intervals: Sequence[tuple[float, float] | None], truth: float | None) -> float | None:
    there = [interval for interval in intervals if interval is not None]
    if truth is None or not there:
        return None
    return sum(low <= truth <= high for low, high in there) / len(there)


def _shares(world: Callable[[np.random.Generator, float, int], worlds.Group], told: float, held_out: float) -> Draw:
    return lambda chance: compare_shares(world(chance, told, TOLD), world(chance, held_out, HELD_OUT))


def _means(told: float, held_out: float) -> Draw:
    return lambda chance: compare_means(
        worlds.spending(chance, told, TOLD), worlds.spending(chance, held_out, HELD_OUT)
    )


def _ratios(told: float, held_out: float) -> Draw:
    return lambda chance: compare_ratios(
        worlds.known_value(chance, told, TOLD), worlds.known_value(chance, held_out, HELD_OUT)
    )


def _regions(chance: np.random.Generator, added: float, factor: float) -> Comparison | None:
    return difference_in_differences(worlds.regions(chance, added, factor))
