"""What is a finding and what is not: drops, spikes, shifts, silence; and the days on which nothing is said."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.anomalies.exceptions import Exceptions
from postback_pipeline.anomalies.findings import Confidence, Ending, Finding, Kind
from postback_pipeline.anomalies.judge import Judgement, judge
from postback_pipeline.anomalies.series import METRICS, Point, Series
from postback_pipeline.settings.anomalies import Change

#: A Monday.
START = date(2026, 1, 5)
LEARNT = 56


def series_of(metric: str, values: Sequence[float], weight: float = 100.0) -> Series:
    weights = 1.0 if metric == "volume" else weight
    points = [Point(START + timedelta(days=n), value, weights) for n, value in enumerate(values)]
    return Series("meta", "purchase", METRICS[metric], points, "EUR" if "value" in metric else "")


def day(number: int) -> date:
    return START + timedelta(days=number)


def orders(days: int, mean: float = 100.0, seed: int = 1) -> list[float]:
    """Counts of a shop that sells half as much on Saturdays and nothing on Sundays."""
    chance = random.Random(seed)
    week = [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]
    return [float(max(0, round(chance.gauss(mean * week[n % 7], math.sqrt(mean * week[n % 7]))))) for n in range(days)]


def only(judgement: Judgement) -> Finding:
    (found,) = judgement.findings
    return found


def test_what_is_usual_is_no_finding_and_weekdays_are_usual() -> None:
    judgement = judge(series_of("volume", orders(180)))
    assert judgement.findings == []
    assert [each.sigmas is None for each in judgement.days].count(True) < 50
    sunday, monday = judgement.days[174], judgement.days[175]
    assert (sunday.point.day.weekday(), monday.point.day.weekday()) == (6, 0)
    assert sunday.expected is not None and monday.expected is not None
    assert sunday.expected < 5 < 80 < monday.expected < 120


def test_a_day_far_below_is_a_drop_that_ends_when_the_figure_is_back() -> None:
    values = orders(LEARNT + 14)
    values[LEARNT + 1] = 30
    found = only(judge(series_of("volume", values)))
    assert (found.kind, found.confidence) == (Kind.DROP, Confidence.CERTAIN)
    assert (found.since, found.found_on, found.last_on) == (day(LEARNT + 1),) * 3
    assert (found.ended_on, found.ending) == (day(LEARNT + 2), Ending.BACK)
    assert found.value == 30 < found.low < found.expected < found.high
    assert found.sigmas < -5


def test_nothing_on_a_weekday_is_silence_and_nothing_on_a_sunday_is_sunday() -> None:
    values = orders(LEARNT + 1) + [0.0] * 6
    judgement = judge(series_of("volume", values))
    found = only(judgement)
    assert (found.kind, found.since, found.ended_on) == (Kind.SILENCE, day(LEARNT + 1), None)
    assert judgement.open_finding == found


def test_a_rise_is_a_spike() -> None:
    values = orders(LEARNT + 3)
    values[LEARNT + 2] *= 3
    found = only(judge(series_of("volume", values)))
    assert (found.kind, found.ended_on) == (Kind.SPIKE, None)


def test_a_shift_is_one_finding_with_its_start_until_it_is_the_new_level() -> None:
    values = orders(LEARNT) + orders(60, mean=250, seed=2)
    judgement = judge(series_of("volume", values))
    found = only(judgement)
    assert (found.kind, found.since) == (Kind.LEVEL_SHIFT, day(LEARNT))
    assert found.ending is Ending.ACCEPTED
    assert found.ended_on is not None
    assert 14 <= (found.ended_on - found.since).days <= 17
    # From there on the new level is what is usual.
    last = judgement.days[112]
    assert last.expected is not None and 200 < last.expected < 300


def test_while_it_is_open_nothing_is_learnt_from_it() -> None:
    values = [0.9] * LEARNT + [0.3] * 10 + [0.9] * 10
    judgement = judge(series_of("match_rate", values))
    found = only(judgement)
    assert (found.kind, found.since, found.ended_on) == (Kind.LEVEL_SHIFT, day(LEARNT), day(LEARNT + 10))
    assert {round(each.expected or 0, 2) for each in judgement.days[LEARNT:]} == {0.9}


def test_what_is_too_small_for_one_day_is_found_by_several_that_began_with_the_first() -> None:
    values = [0.6] * LEARNT + [0.49] * 7
    found = only(judge(series_of("match_rate", values, weight=100)))
    assert found.found_on > found.since == day(LEARNT)


def test_a_spike_that_silence_follows_is_two_findings() -> None:
    values = orders(LEARNT + 3) + [0.0] * 3
    values[LEARNT + 2] *= 3
    spike, silence = judge(series_of("volume", values)).findings
    assert (spike.kind, spike.ended_on, spike.ending) == (Kind.SPIKE, day(LEARNT + 3), Ending.BACK)
    assert (silence.kind, silence.since, silence.ended_on) == (Kind.SILENCE, day(LEARNT + 3), None)


def test_a_rise_that_lasted_and_then_fell_below_the_usual_is_a_shift_and_a_drop() -> None:
    values = [100.0] * LEARNT + [250.0] * 5 + [20.0, 20.0] + [100.0] * 5
    judgement = judge(series_of("volume", values))
    rise, drop = judgement.findings
    assert (rise.kind, rise.since, rise.ended_on) == (Kind.LEVEL_SHIFT, day(LEARNT), day(LEARNT + 5))
    assert (drop.kind, drop.since, drop.ended_on) == (Kind.DROP, day(LEARNT + 5), day(LEARNT + 7))
    assert [each.is_out for each in judgement.days[LEARNT:]] == [True] * 7 + [False] * 5
    assert {round(each.expected or 0) for each in judgement.days[LEARNT:]} == {100}


@pytest.mark.parametrize("metric", ["match_rate", "acceptance_rate"])
def test_good_news_hides_no_bad_news(metric: str) -> None:
    found = only(judge(series_of(metric, [0.6] * LEARNT + [0.9] * 4 + [0.2])))
    assert (found.kind, found.since) == (Kind.DROP, day(LEARNT + 4))


def test_a_day_a_little_past_the_usual_is_back() -> None:
    found = only(judge(series_of("volume", [100.0] * LEARNT + [300.0, 90.0, 100.0])))
    assert (found.kind, found.ended_on, found.ending) == (Kind.SPIKE, day(LEARNT + 1), Ending.BACK)


def test_good_news_is_none() -> None:
    assert judge(series_of("acceptance_rate", [0.8] * LEARNT + [1.0] * 40)).findings == []
    assert judge(series_of("latency", [600.0] * LEARNT + [1.0] * 40)).findings == []


def test_of_few_nothing_is_said_that_chance_does_as_well() -> None:
    few = judge(series_of("match_rate", [0.5] * LEARNT + [0.0], weight=4))
    many = judge(series_of("match_rate", [0.5] * LEARNT + [0.0], weight=40))
    assert few.findings == []
    assert only(many).kind is Kind.DROP


def test_until_enough_is_known_nothing_is_said() -> None:
    judgement = judge(series_of("volume", [100.0] * 20 + [0.0] * 5))
    assert judgement.findings == []
    assert all(each.expected is None for each in judgement.days)


def test_a_public_holiday_and_the_days_around_it_are_no_drop() -> None:
    values = orders(364)
    # 25 December 2026 to 3 January 2027 belong to one rest.
    quiet = [n for n in range(364) if date(2026, 12, 24) <= day(n) <= date(2027, 1, 2)]
    for n in quiet:
        values[n] = 0
    assert judge(series_of("volume", values), Exceptions("GB-ENG")).findings == []
    assert judge(series_of("volume", values)).findings != []


def test_shares_are_judged_on_holidays_too() -> None:
    values = [0.9] * 360
    values[(date(2026, 12, 25) - START).days] = 0.1
    assert only(judge(series_of("match_rate", values), Exceptions("GB"))).since == date(2026, 12, 25)


def test_an_announced_change_is_no_finding_and_what_comes_after_it_is_judged_again() -> None:
    values = orders(LEARNT) + orders(30, mean=300, seed=2) + [0.0]
    announced = Change.model_validate({"from": day(LEARNT), "destination": "meta", "metric": "volume"})
    found = only(judge(series_of("volume", values), Exceptions(changes=[announced])))
    assert (found.kind, found.since) == (Kind.SILENCE, day(LEARNT + 30))
    elsewhere = announced.model_copy(update={"destination": "google"})
    assert judge(series_of("volume", values), Exceptions(changes=[elsewhere])).findings[0].since == day(LEARNT)


def test_an_announced_change_ends_what_is_open() -> None:
    values = orders(LEARNT) + orders(10, mean=300, seed=2)
    announced = Change.model_validate({"from": day(LEARNT + 4)})
    found = only(judge(series_of("volume", values), Exceptions(changes=[announced])))
    assert (found.ended_on, found.ending) == (day(LEARNT + 4), Ending.ACCEPTED)


def test_days_that_people_excused_are_neither_judged_nor_learnt() -> None:
    values = orders(LEARNT + 12)
    for n in range(LEARNT, LEARNT + 5):
        values[n] *= 5
    sale = Change.model_validate({"from": day(LEARNT), "to": day(LEARNT + 4), "why": "sale"})
    judgement = judge(series_of("volume", values), Exceptions(changes=[sale]))
    assert judgement.findings == []
    assert (judgement.days[LEARNT + 7].expected or 0) < 120


#: Metric and a value that it may have.
CONSTANT = st.one_of(
    st.tuples(st.sampled_from(["match_rate", "pixel_share", "acceptance_rate"]), st.floats(0.0, 1.0)),
    st.tuples(st.sampled_from(["value_per_conversion", "latency"]), st.floats(0.01, 1e7)),
    st.tuples(st.sampled_from(["report_rate", "refund_rate"]), st.floats(0.0, 3.0)),
    st.tuples(st.just("volume"), st.integers(0, 10**6).map(float)),
    st.tuples(st.sampled_from(["pixel_delay", "time_of_day"]), st.floats(-60.0, 60.0)),
)


@given(CONSTANT, st.floats(1.0, 1e6), st.integers(0, 120))
def test_what_never_changes_is_never_a_finding(constant: tuple[str, float], weight: float, days: int) -> None:
    metric, value = constant
    assert judge(series_of(metric, [value] * days, weight)).findings == []


WILD = st.lists(st.floats(0.0, 1.0), min_size=LEARNT, max_size=120)


@given(WILD, st.sampled_from(sorted(METRICS)), st.floats(1.0, 1e4))
def test_a_finding_has_its_days_in_order(values: list[float], metric: str, scale: float) -> None:
    shares = metric in ("match_rate", "pixel_share", "acceptance_rate", "delivered_share")
    judgement = judge(series_of(metric, values if shares else [each * scale for each in values]))
    open_ones = [found for found in judgement.findings if found.ended_on is None]
    assert len(open_ones) <= 1
    for found in judgement.findings:
        assert found.since <= found.found_on <= found.last_on
        assert found.ended_on is None or found.ended_on >= found.last_on
        assert math.isfinite(found.sigmas) and found.low <= found.expected <= found.high


@given(st.lists(st.floats(1.0, 100.0), min_size=LEARNT, max_size=80), st.sampled_from([0.01, 100.0, 1e6]))
def test_another_unit_of_money_changes_nothing(values: list[float], factor: float) -> None:
    here = judge(series_of("value_per_conversion", values))
    there = judge(series_of("value_per_conversion", [each * factor for each in values]))
    assert [(each.kind, each.since, each.ended_on) for each in here.findings] == [
        (each.kind, each.since, each.ended_on) for each in there.findings
    ]


@given(WILD, st.integers(1, 20))
def test_what_comes_later_does_not_change_what_was_said_of_a_day(values: list[float], later: int) -> None:
    whole = judge(series_of("match_rate", values)).days
    part = judge(series_of("match_rate", values[:-later])).days
    assert whole[: len(part)] == part


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_cents_for_currency_units_are_seen_at_once(factor: float) -> None:
    chance = random.Random(5)
    values = [40 * math.exp(chance.gauss(0, 0.3)) for _ in range(LEARNT)]
    found = only(judge(series_of("value_per_conversion", [*values, 40 * factor])))
    assert (found.since, found.confidence) == (day(LEARNT), Confidence.CERTAIN)
