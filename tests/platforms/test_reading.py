"""Numbers as platforms write them: one, or a sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest

from postback_pipeline.platforms.base import PullError
from postback_pipeline.platforms.reading import decimal


@pytest.mark.parametrize("written", ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity", float("nan"), float("inf"), True])
def test_what_is_no_number_is_a_sentence(written: object) -> None:
    with pytest.raises(PullError, match=r"^told is no number\.$"):
        decimal({"told": written}, "told")


def test_a_number_is_read_to_four_decimals_and_within_measure() -> None:
    assert decimal({"told": "-12.34567"}, "told") == Decimal("-12.3457")
    with pytest.raises(PullError, match="beyond all measure"):
        decimal({"told": 10**15}, "told")
