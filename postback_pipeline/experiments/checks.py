"""Whether two groups are what they should be: as many units as was wished, and alike before the start.

Belongs here: these two tests. Does not belong here: effects (`comparison.py`), sentences for people (`warnings.py`).
"""

from __future__ import annotations

from scipy import stats

from postback_pipeline.experiments.comparison import Comparison, Numbers, compare_means

#: Rarer than this, a ratio of group sizes is no accident: it is looked at every day of an experiment.
MISMATCH_BELOW = 0.001
#: Rarer than this, a difference before the start is told of: of all the tests that an experiment undergoes together.
IMBALANCE_BELOW = 0.01


def sample_ratio_p_value(held_out: int, told: int, share: float) -> float:
    """How often chance would split as unevenly as this, or more so, if `share` of units were held out (exact)."""
    return float(stats.binomtest(held_out, held_out + told, share).pvalue) if held_out + told else 1.0


def imbalance(told: Numbers, held_out: Numbers, tests: int = 1) -> Comparison | None:
    """The groups compared by an amount per unit of before the start; None where they are not known to differ.

    `tests`: how many such amounts are looked at, so that all together are wrong as rarely as one (Bonferroni).
    """
    compared = compare_means(told, held_out)
    return compared if compared is not None and compared.p_value < IMBALANCE_BELOW / tests else None
