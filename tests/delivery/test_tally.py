"""What a drain counts, in memory that does not grow."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.report import OUTCOMES
from postback_pipeline.delivery.tally import Histogram, Series, outcome_word
from postback_pipeline.ledger import Result
from postback_pipeline.model import Outcome


@given(st.lists(st.floats(1e-5, 1e5), min_size=1, max_size=300), st.sampled_from([0.0, 0.5, 0.95, 0.99]))
def test_a_percentile_is_right_to_five_percent(values: list[float], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[min(len(values) - 1, int(share * len(values)))]
    found = histogram.percentile(share)
    assert found is not None
    assert exact / 1.05 <= found <= exact * 1.05


def test_nothing_measured_has_no_percentile() -> None:
    assert Histogram().percentile(0.5) is None


def test_no_time_at_all_is_a_very_short_one() -> None:
    histogram = Histogram()
    histogram.add(0.0)
    assert histogram.percentile(0.5) == histogram.percentile(0.99)
    assert (histogram.percentile(0.5) or 1) < 1e-5


@given(st.lists(st.tuples(st.floats(0, 20_000), st.integers(1, 1_000)), max_size=100))
def test_a_course_keeps_every_count_in_at_most_sixty_buckets(counts: list[tuple[float, int]]) -> None:
    series = Series()
    for at, count in counts:
        series.add(at, count)
    course = series.course()
    assert len(course.accepted) <= 60
    assert sum(course.accepted) == sum(count for _, count in counts)
    for number, accepted in enumerate(course.accepted):
        begin, end = number * course.bucket_seconds, (number + 1) * course.bucket_seconds
        assert accepted == sum(count for at, count in counts if begin <= at < end)


def test_a_short_drain_has_fine_buckets() -> None:
    series = Series()
    series.add(0.25, 3)
    assert (series.course().bucket_seconds, series.course().accepted) == (0.125, (0, 0, 3))


def test_every_result_is_counted_under_a_word_that_is_reported() -> None:
    at = datetime.now(UTC)
    results = [
        Result(1, "token", outcome, at, final=final, duplicate=duplicate)
        for outcome, final, duplicate in product(Outcome, (True, False), (True, False))
    ]
    assert {outcome_word(result) for result in results} == set(OUTCOMES)
