"""Intervals hold the effect that was put in as often as they say: fewer simulations than the benchmark, as strict."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.experiments.coverage import Case, Coverage, cases, measure
from postback_pipeline.experiments.comparison import Comparison, Numbers, compare_shares

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
    assert _lies_right(measure(BY_NAME["known conversions, by person"], SIMULATIONS, seed=7))
    # All of a person's conversions are known or none is: one that takes each for a unit of its own is too sure.
    clustered, naive = (_width(*groups) for groups in _by_person_and_by_conversion())
    assert clustered > 1.3 * naive


def _by_person_and_by_conversion() -> Iterator[tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers]]]:
    chance = np.random.default_rng(7)
    conversions = [chance.integers(1, 6, persons).astype(np.float64) for persons in (900, 300)]
    known = [(chance.random(len(each)) < share) * each for each, share in zip(conversions, (0.8, 0.6), strict=True)]
    yield (known[0], conversions[0]), (known[1], conversions[1])
    single = [
        (np.repeat(part > 0, whole.astype(int)).astype(np.float64), np.ones(int(whole.sum())))
        for part, whole in zip(known, conversions, strict=True)
    ]
    yield single[0], single[1]


def _width(told: tuple[Numbers, Numbers], held_out: tuple[Numbers, Numbers]) -> float:
    compared = compare_shares(told, held_out)
    assert compared is not None
    return compared.difference_interval[1] - compared.difference_interval[0]


def test_an_interval_that_is_missing_is_no_hit() -> None:
    case = BY_NAME["share of persons"]

    def every_second(chance: np.random.Generator) -> Comparison | None:
        compared = case.draw(chance)
        assert compared is not None
        wrong = dataclasses.replace(compared, difference_interval=(5.0, 6.0), lift_interval=(5.0, 6.0))
        return dataclasses.replace(wrong, lift_interval=None) if chance.random() < 0.5 else wrong

    found = measure(dataclasses.replace(case, draw=every_second), SIMULATIONS, seed=7)
    assert (found.difference, found.lift) == (0.0, 0.0)
    assert 0 < found.without_lift < SIMULATIONS


def _lies_right(found: Coverage) -> bool:
    assert found.simulations == SIMULATIONS
    shares = [share for share in (found.difference, found.lift) if share is not None]
    return bool(shares) and all(LEAST <= share <= MOST for share in shares)
