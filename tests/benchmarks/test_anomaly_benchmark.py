"""The benchmark of anomaly detection: that it counts what is found, and says where its data is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
        put, at_once, within = found[fault]
        assert put == at_once == within > 0, fault
    assert score.false_alarms() < 5
    assert score.series == 10


def test_who_finds_nothing_scores_nothing() -> None:
    def blind(series: Series, _: Exceptions) -> Judgement:
        judged = judge(series)
        return Judgement(series, judged.days, [])

    score = measure([figures_of(shop(), seed=1)], blind, every=8, first=0.6, last=0.9)
    assert {(at_once, within) for _, at_once, within in score.put.values()} == {(0, 0)}
    assert score.false_alarms() == 0


def test_it_says_where_its_data_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=f"{tmp_path}/none is missing"):
        next(shops([tmp_path / "none"]))
