"""How intervals of experiments look in the UI."""

from __future__ import annotations

from postback_pipeline.defs.markdown import interval_chart


def test_intervals_stand_on_one_scale_with_a_bar_at_zero() -> None:
    fence, gain, none, end = interval_chart({"gain": (0.1, 0.2, 0.3), "none": (-0.3, 0.0, 0.1)}).splitlines()
    assert (fence, end) == ("```", "```")
    assert gain == f"gain  {' ' * 30}|{' ' * 9}{'-' * 10}o{'-' * 10}  +10.0% +20.0% +30.0%"
    # The estimate lies on zero, and hides the bar.
    assert none == f"none  {'-' * 30}o{'-' * 10}{' ' * 20}  -30.0% +0.0% +10.0%"


def test_without_a_comparison_there_is_no_chart() -> None:
    assert interval_chart({}) == "Nothing can be compared yet."
    assert "+5.0%" in interval_chart({"one": (0.05, 0.05, 0.05)})
