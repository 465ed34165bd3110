"""Comparisons of two groups, on numbers that can be worked out by hand or by another tool."""

from __future__ import annotations

import numpy as np
import pytest

from postback_pipeline.experiments.checks import imbalance, sample_ratio_p_value
from postback_pipeline.experiments.comparison import Numbers, compare_means, compare_ratios, compare_shares
from postback_pipeline.experiments.power import detectable_mean, detectable_share


def ones(count: int, of: int) -> tuple[Numbers, Numbers]:
    """`of` units of one thing each, `count` of which have the property."""
    return np.array([1.0] * count + [0.0] * (of - count)), np.ones(of)


def test_two_shares_as_newcombe_has_them() -> None:
    # Newcombe (1998), the example of 56/70 and 48/80: the hybrid score interval is 0.0524 to 0.3339.
    found = compare_shares(ones(56, 70), ones(48, 80))
    assert found is not None
    assert found.difference == pytest.approx(0.2)
    assert found.difference_interval == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.lift == pytest.approx(1 / 3)
    assert found.is_clear
    assert found.p_value < 0.02


def test_all_against_none_is_told_without_a_lift() -> None:
    found = compare_shares(ones(50, 50), ones(0, 50))
    assert found is not None
    assert (found.difference, found.lift, found.lift_interval) == (1.0, None, None)
    assert 0.89 < found.difference_interval[0] < 1


def test_things_of_one_unit_count_as_one_where_they_are_all_alike() -> None:
    tens = np.array([10.0] * 6 + [0.0] * 4), np.full(10, 10.0)
    few = compare_shares(tens, tens)
    singles = compare_shares(ones(60, 100), ones(60, 100))
    assert few is not None and singles is not None
    # Ten units of ten that are all alike tell about as much as ten units.
    assert few.difference_interval[1] > 2.5 * singles.difference_interval[1]


def test_two_means_as_welch_has_them() -> None:
    one = np.array([27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4])
    other = np.array([27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.0, 23.9])
    found = compare_means(one, other)
    assert found is not None
    error = np.sqrt(one.var(ddof=1) / 15 + other.var(ddof=1) / 15)
    # With 27.78 degrees of freedom by Welch's formula the quantile is 2.0491.
    assert found.difference == pytest.approx(one.mean() - other.mean())
    assert found.difference_interval[1] - found.difference == pytest.approx(2.0491 * error, rel=1e-3)


def test_groups_without_spread_differ_by_exactly_that() -> None:
    found = compare_means(np.full(5, 3.0), np.full(5, 2.0))
    assert found is not None
    assert (found.difference_interval, found.p_value) == ((1.0, 1.0), 0.0)


def test_a_ratio_is_of_sums_and_not_of_units_ratios() -> None:
    part, whole = np.array([1.0, 9.0]), np.array([1.0, 99.0])
    found = compare_ratios((part, whole), (part, whole))
    assert found is not None
    assert found.told == pytest.approx(0.1)
    assert (found.difference, found.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("empty", [np.array([]), np.array([0.0])])
def test_a_group_in_which_there_is_nothing_is_not_compared(empty: Numbers) -> None:
    some = np.array([1.0, 2.0, 3.0])
    assert compare_means(some, empty) is None
    assert compare_ratios((some, some), (empty, empty)) is None
    assert compare_shares((some, some), (empty, empty)) is None


def test_a_split_that_is_no_accident_is_told_from_one_that_is() -> None:
    assert sample_ratio_p_value(1_000, 9_000, 0.1) > 0.5
    assert sample_ratio_p_value(1_060, 8_940, 0.1) > 0.001
    assert sample_ratio_p_value(1_150, 8_850, 0.1) < 0.001
    assert sample_ratio_p_value(0, 0, 0.1) == 1.0


def test_groups_that_differed_before_the_start_are_told_of() -> None:
    chance = np.random.default_rng(5)
    alike = chance.normal(10, 3, 500), chance.normal(10, 3, 500)
    assert imbalance(*alike) is None
    differing = imbalance(alike[0], alike[1] + 2)
    assert differing is not None and differing.difference < -1


def test_what_could_be_seen_is_what_textbooks_have() -> None:
    # Two groups of 64, half a deviation: power 0.8 (Cohen).
    assert detectable_mean(10.0, units=128, held_out_share=0.5) == pytest.approx(5.0, abs=0.03)
    # From 10 % on, with 1,000 in either group, a rise of about 4 points.
    assert detectable_share(0.1, units=2_000, held_out_share=0.5) == pytest.approx(0.0403, abs=0.001)
    assert detectable_mean(10.0, units=10, held_out_share=0.1) is None
    assert detectable_share(0.9, units=8, held_out_share=0.5) is None
