"""Intervals hold the effect that was put in as often as they say: fewer simulations than the benchmark, as strict."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.experiments.coverage import Case, Coverage, cases, measure
from postback_pipeline.experiments.comparison import Comparison

SIMULATIONS = 150
#: Between these lie 98 % of such counts where the true share is 95 %; of an interval half as wide, hardly any.
LEAST, MOST = 0.90, 0.995
BY_NAME = {case.name: case for case in cases()}


@pytest.mark.parametrize("name", ["share of persons", "amount per person", "known value, by person"])
def test_an_interval_holds_the_effect_as_often_as_it_says(name: str) -> None:
    found = measure(BY_NAME[name], SIMULATIONS, seed=7)
    assert _lies_right(found)


def test_an_interval_over_regions_does_so_too() -> None:
    added = measure(BY_NAME["regions, amount added"], SIMULATIONS, seed=7)
    factor = measure(BY_NAME["regions, by a factor"], SIMULATIONS, seed=7)
    assert _lies_right(dataclasses.replace(added, lift=factor.lift))


@pytest.mark.parametrize("name", ["share of persons", "amount per person", "known value, by person"])
def test_an_interval_half_as_wide_would_be_found_out(name: str) -> None:
    case = BY_NAME[name]

    def half(chance: np.random.Generator) -> Comparison | None:
        compared = case.draw(chance)
        assert compared is not None
        low, high = compared.difference_interval
        return dataclasses.replace(
            compared, difference_interval=((3 * low + high) / 4, (low + 3 * high) / 4), lift_interval=None
        )

    assert not _lies_right(measure(Case(name, half, case.difference, None), SIMULATIONS, seed=7))


def test_conversions_of_one_person_do_not_count_as_many_persons() -> None:
    # The interval is wider than one that takes every conversion for a unit of its own.
    clustered = measure(BY_NAME["known conversions, by person"], SIMULATIONS, seed=7)
    assert _lies_right(clustered)


def _lies_right(found: Coverage) -> bool:
    assert found.simulations == SIMULATIONS
    shares = [share for share in (found.difference, found.lift) if share is not None]
    return bool(shares) and all(LEAST <= share <= MOST for share in shares)
