"""Which days a run is about, and that two runs at once do not take each other's."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.defs.context import tell_build
from postback_pipeline.defs.partitions import OPEN_WINDOW, range_tags, window_of
from postback_pipeline.sources.warehouse import open_warehouse


@pytest.mark.parametrize(
    ("tags", "window"),
    [
        (range_tags(date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 3, 1), date(2026, 3, 31))),
        ({"dagster/partition": "2026-03-05"}, (date(2026, 3, 5), date(2026, 3, 5))),
        ({"dagster/partition": "2026-03-05", **OPEN_WINDOW}, None),
        ({}, None),
    ],
)
def test_a_run_is_about_the_days_of_its_partitions(tags: dict[str, str], window: tuple[date, date] | None) -> None:
    assert window_of(tags) == window


def test_a_run_computes_its_own_window_though_another_told_its_own_in_between(shop: Any) -> None:
    march = dg.DagsterRun(job_name="build", run_id="a", tags=range_tags(date(2026, 3, 1), date(2026, 3, 31)))
    hourly = dg.DagsterRun(job_name="build", run_id="b", tags=OPEN_WINDOW)
    for run in (march, hourly, march):
        tell_build(shop.settings(), run)
    with open_warehouse(shop.settings().warehouse_path) as connection:
        told = connection.execute("select run_id, window_start, window_end from raw.build_context").fetchall()
    assert told == [("a", date(2026, 3, 1), date(2026, 3, 31))]
