"""What an experiment of a given size could see: the minimum detectable effect, before it starts.

Belongs here: that. Does not belong here: where the history comes from (`reading.py`).
"""

from __future__ import annotations

import math

from statsmodels.stats.power import NormalIndPower, TTestIndPower

#: How often an effect of the detectable size is seen as one, and how often chance is taken for an effect.
POWER = 0.8
ALPHA = 0.05
#: A group of fewer units is no group.
LEAST_UNITS = 2


def detectable_mean(
    deviation: float, units: int, held_out_share: float, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The least difference of an amount per unit, in the amount's own unit. None where a group would be empty."""
    groups = _groups(units, held_out_share)
    if groups is None:
        return None
    held, told = groups
    effect = TTestIndPower().solve_power(nobs1=held, ratio=told / held, alpha=alpha, power=power)
    return float(effect) * deviation


def detectable_share(
    share: float, units: int, held_out_share: float, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The least rise of a share above the held-out group's `share`, as a difference of shares (0.02: two points).

    None where a group would be empty, or where not even a share of one would be seen.
    """
    groups = _groups(units, held_out_share)
    if groups is None:
        return None
    held, told = groups
    effect = float(NormalIndPower().solve_power(nobs1=held, ratio=told / held, alpha=alpha, power=power))
    # Cohen's h is a difference of angles; the angle of one is the widest there is.
    angle = math.asin(math.sqrt(share)) + effect / 2
    return None if angle > math.pi / 2 else math.sin(angle) ** 2 - share


def _groups(units: int, held_out_share: float) -> tuple[int, int] | None:
    held = round(units * held_out_share)
    return None if held < LEAST_UNITS or units - held < LEAST_UNITS else (held, units - held)
