"""The benchmark of anomaly detection: that it counts what is found, and says where its data is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.anomaly.faults import FAULTS
from benchmarks.anomaly.figures import figures_of
from benchmarks.anomaly.measurements import measure
from benchmarks.anomaly.shops import NoData, Shop, shops
from postback_pipeline.anomalies.exceptions import Exceptions
from postback_pipeline.anomalies.judge import Judgement, judge
from postback_pipeline.anomalies.series import Series


def shop() -> Shop:
    """Eighty days of some sixty orders between eight and eight; half are matched, half are seen by a pixel."""
    chance = np.random.default_rng(4)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    at = [
        start + timedelta(days=day, hours=float(hour))
        for day in range(80)
        for hour in chance.uniform(8, 20, chance.poisson(60))
    ]
    conversions = pd.DataFrame(
        {
            "at": pd.to_datetime(at),
            "value": chance.lognormal(3, 0.5, len(at)),
            "is_matched": chance.random(len(at)) < 0.5,
            "is_seen_by_pixel": chance.random(len(at)) < 0.5,
            "pixel_delay": chance.exponential(1.0, len(at)),
        }
    )
    return Shop("made", "meta", "", "UTC", conversions)


def test_large_faults_are_found_and_every_one_is_counted() -> None:
    score = measure([figures_of(shop(), seed=1)], judge, every=8, first=0.6, last=0.9)
    found = {fault: counts for (_, fault), counts in score.put.items()}
    for fault in ("token dead", "currency in cents", "pixel removed", "one hour shifted", "orders do not come"):
        put, at_once, within, _ = found[fault]
        assert put == at_once == within > 0, fault
    assert score.false_alarms() < 5
    assert score.series == 10


def test_a_dead_token_leaves_nothing_to_accept_and_what_is_due_undelivered() -> None:
    figures = figures_of(shop(), seed=1)
    (dead,) = [fault for fault in FAULTS if fault.name == "token dead"]
    broken = dead.happens(figures, 50, np.random.default_rng(1))
    first = figures.days[50]
    for metric in ("acceptance_rate", "latency", "report_rate"):
        assert max(point.day for point in broken.series(metric, 80).points) < first, metric
    delivered = broken.series("delivered_share", 80).points
    assert {point.value for point in delivered if point.day >= first} == {0.0}
    assert [point for point in delivered if point.day < first] == figures.series("delivered_share", 50).points


def test_days_on_which_something_is_told_already_are_left_out_and_counted() -> None:
    figures = figures_of(shop(), seed=1)
    days = len(figures.days)
    worth = figures.parts["value_per_conversion"][0].copy()
    # In cents from the first day of the span on, until that is the new level.
    worth[int(days * 0.6) :] *= 100
    score = measure([figures.changed("value_per_conversion", worth)], judge, every=2, first=0.6, last=0.9)
    counts = {fault: counts for (_, fault), counts in score.put.items()}
    put, _, _, left_out = counts["currency in cents"]
    assert 6 <= left_out <= 7
    assert put + left_out == sum(counts["pixel removed"][0:4:3])


def test_who_finds_nothing_scores_nothing() -> None:
    def blind(series: Series, _: Exceptions) -> Judgement:
        judged = judge(series)
        return Judgement(series, judged.days, [])

    score = measure([figures_of(shop(), seed=1)], blind, every=8, first=0.6, last=0.9)
    assert {(at_once, within) for _, at_once, within, _ in score.put.values()} == {(0, 0)}
    assert score.false_alarms() == 0


def test_it_says_where_its_data_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=f"{tmp_path}/none is missing"):
        next(shops([tmp_path / "none"]))
