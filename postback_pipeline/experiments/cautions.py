"""What speaks against trusting a result, as sentences for people.

Belongs here: which sentence is said when. Does not belong here: the tests behind them (`checks.py`, `regions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from postback_pipeline.experiments.checks import IMBALANCE_BELOW, MISMATCH_BELOW, imbalance, sample_ratio_p_value
from postback_pipeline.experiments.comparison import Numbers
from postback_pipeline.experiments.regions import LEAST_PAIRS, PairSeries, differs_before

#: With fewer pairs no assignment of them is rare: the sign-flip test cannot fall below 1 in 16 with five.
FEW_PAIRS = 6
#: Below this many units in a group an interval rests on a formula more than on data.
FEW_UNITS = 30


def unit_cautions(state: str, unit: str, share: float, groups: Mapping[str, Mapping[str, Numbers]]) -> list[str]:
    """Cautions of an experiment whose units are drawn by a hash."""
    return [*_running(state), *_sizes(share, groups), *_alike(unit, groups), *_blurred(groups)]


def region_cautions(state: str, pairs: Sequence[PairSeries]) -> list[str]:
    """Cautions of a geo experiment."""
    found = list(_running(state))
    if len(pairs) < LEAST_PAIRS:
        found.append("No whole day before and during it is known for three pairs of regions.")
        return found
    if len(pairs) < FEW_PAIRS:
        least = 2 ** (1 - len(pairs))
        found.append(
            f"With {len(pairs)} pairs the sign-flip test cannot fall below p = {least:.4g}: read the interval."
        )
    if differs_before(pairs, confidence=1 - IMBALANCE_BELOW):
        found.append("Told and held-out regions already went different ways before the start: the pairs are no twins.")
    silent = sum(float(each.told_before.sum()) == 0 or float(each.held_out_before.sum()) == 0 for each in pairs)
    if silent:
        found.append(f"{silent} of {len(pairs)} pairs have a region of which nothing is known before the start.")
    return found


def _running(state: str) -> Iterator[str]:
    if state == "running":
        yield "It still runs. Who stops at the first clear result finds effects that are none: wait for its end."
    elif state != "ended":
        yield f"It is {state}: there is nothing to compare."


def _sizes(share: float, groups: Mapping[str, Mapping[str, Numbers]]) -> Iterator[str]:
    told, held_out = (len(groups[group]["conversions"]) for group in ("told", "held_out"))
    if min(told, held_out) < FEW_UNITS:
        yield f"There are {told} told and {held_out} held-out units: too few for the interval to be relied on."
    p_value = sample_ratio_p_value(held_out, told, share)
    if p_value < MISMATCH_BELOW:
        yield (
            f"{held_out} of {held_out + told} units are held out, and {share:.1%} should be (p = {p_value:.2g}):"
            " something else than chance decides who takes part. Do not trust the result before it is found."
        )


def _alike(unit: str, groups: Mapping[str, Mapping[str, Numbers]]) -> Iterator[str]:
    columns = {"value_before": "value of before the start"} if unit == "user" else {}
    columns["entry_value"] = "value of the conversion they entered with"
    for column, what in columns.items():
        found = imbalance(groups["told"][column], groups["held_out"][column], tests=len(columns))
        if found is not None:
            yield (
                f"The groups differed before anything was held out: {what} is {found.told:.2f} per told unit and"
                f" {found.held_out:.2f} per held-out unit (p = {found.p_value:.2g})."
            )


def _blurred(groups: Mapping[str, Mapping[str, Numbers]]) -> Iterator[str]:
    told_anyway = int(np.count_nonzero(groups["held_out"]["accepted_conversions"]))
    if told_anyway:
        yield f"{told_anyway} held-out units were told before the experiment was written down; they blur the result."
    others = int(sum(groups[group]["other_currency_conversions"].sum() for group in groups))
    if others:
        yield f"{others} conversions are in another currency: they count, and their amounts do not."
