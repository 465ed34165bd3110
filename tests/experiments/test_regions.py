"""Geo experiments: which regions are paired, and what is made of their difference."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.experiments import worlds
from postback_pipeline.experiments.regions import (
    PairSeries,
    detectable_change,
    difference_in_differences,
    differs_before,
    match_regions,
)


def flat(told: tuple[float, float], held_out: tuple[float, float]) -> PairSeries:
    """A pair whose amounts are the same each day, before and during."""
    return PairSeries(np.full(4, told[0]), np.full(2, told[1]), np.full(4, held_out[0]), np.full(2, held_out[1]))


def test_regions_that_were_alike_are_pairs_and_chance_chooses_the_one_that_is_held_out() -> None:
    days = np.arange(28)
    history = {
        "large": 100 + days % 7,
        "small": 10 + days % 7,
        "also_large": 101 + days % 7,
        "also_small": 10.5 + days % 7,
        "none_like_it": np.full(28, 1000.0),
    }
    pairs = match_regions(history, "salt")
    assert [{pair.held_out, pair.told} for pair in pairs] == [{"large", "also_large"}, {"small", "also_small"}]
    assert pairs[0].distance < pairs[1].distance < 0.1
    assert pairs == match_regions(dict(reversed(history.items())), "salt")
    held_out = [{pair.held_out for pair in match_regions(history, f"salt{number}")} for number in range(20)]
    assert {"large", "also_large"} <= set().union(*held_out)


def test_what_all_regions_went_through_is_no_effect() -> None:
    # Everybody rises by 5; told regions by 2 more.
    found = difference_in_differences([flat((10, 17), (20, 25)), flat((30, 37), (8, 13)), flat((5, 12), (5, 10))])
    assert found is not None
    assert (found.difference, *found.difference_interval) == pytest.approx((2, 2, 2))
    assert (found.told, found.held_out) == pytest.approx((22, 20))


def test_the_interval_is_students_over_pairs() -> None:
    found = difference_in_differences([flat((1, 2), (1, 1)), flat((1, 3), (1, 1)), flat((1, 4), (1, 1))])
    assert found is not None
    # 2 ± 4.3027 / √3
    assert found.difference_interval == pytest.approx((-0.4841, 4.4841), abs=1e-4)
    # Of the eight ways in which three signs may fall, two are as far from zero.
    assert found.p_value == pytest.approx(0.25)


def test_two_pairs_are_too_few() -> None:
    pairs = [flat((1, 2), (1, 1)), flat((1, 3), (1, 1))]
    assert difference_in_differences(pairs) is None
    assert detectable_change(pairs) is None


def test_an_effect_is_found_and_nothing_is_not() -> None:
    chance = np.random.default_rng(3)
    effect = difference_in_differences(worlds.regions(chance, 0.0, 1.2))
    nothing = difference_in_differences(worlds.regions(chance, 0.0, 1.0))
    assert effect is not None and effect.is_clear and effect.p_value < 0.05
    assert effect.lift == pytest.approx(0.2, abs=0.1)
    assert nothing is not None and not nothing.is_clear


def test_regions_that_went_apart_before_the_start_are_told_of() -> None:
    alike = worlds.regions(np.random.default_rng(3), 0.0, 1.0)
    drift = np.linspace(0, 60, worlds.DAYS_BEFORE)
    apart = [PairSeries(each.told_before + drift, *_rest(each)) for each in alike]
    assert not differs_before(alike)
    assert differs_before(apart)


def test_what_could_be_seen_shrinks_with_the_noise() -> None:
    pairs = worlds.regions(np.random.default_rng(3), 0.0, 1.0)
    found = detectable_change(pairs)
    assert found is not None and 0 < found < 20


def _rest(each: PairSeries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return each.told_during, each.held_out_before, each.held_out_during
