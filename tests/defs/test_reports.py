"""A platform's report in Dagster: pulled, landed, loaded by the next build, and seen in the metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.defs.instance import open_instance
from postback_pipeline.defs.reports import JOB
from postback_pipeline.defs.runs import code_location, run_pipeline
from tests.platforms.golden_exchanges import golden
from tests.platforms.vendor_server import Answer, Vendor, vendor_server

REPORT = """
[reports.theirs]
destination = "google"
platform = "meta"
accounts = ["1234567890"]
dataset_id = "5566778899"
base_url = "{url}"
rate = 1000.0
"""
TOLD = "select conversions, value from raw.platform_reports order by _seen"


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """The platform: three purchases, then one, on 9 January, UTC."""
    monkeypatch.setenv("META_REPORTS_ACCESS_TOKEN", "meta-secret")
    own = golden("meta")
    text = json.dumps(own.exchanges)
    moved = {"Europe/Berlin": "UTC", "2026-03-28": "2026-01-10", "2026-03-29": "2026-01-11"}
    for ours, theirs in moved.items():
        text = text.replace(ours, theirs)
    with vendor_server(replace(own, exchanges=json.loads(text))) as vendor:
        yield vendor


def pulled(shop: Any, *, fails: bool = False) -> dict[str, Any]:
    """Runs the job for 10 and 11 January; what the asset shows."""
    days = {"first_day": "2026-01-10", "last_day": "2026-01-11"}
    config = {"ops": {"reports__theirs": {"config": days}}}
    with open_instance(shop.settings()) as instance:
        job = code_location().resolve_job_def(JOB)
        result = job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
    assert result.success is not fails
    events = result.get_asset_materialization_events()
    return {} if fails else dict(events[0].step_materialization_data.materialization.metadata)


def test_what_a_platform_reports_reaches_the_metrics_and_what_it_restates_too(
    shop: Any, make: Any, vendor: Vendor
) -> None:
    settings = shop.home / "postbacks.toml"
    settings.write_text(settings.read_text() + REPORT.format(url=vendor.url))
    shop.orders(*(make.order(number, "40.00") for number in range(1, 6)))
    shop.clicks(*(make.click(number) for number in range(1, 6)))

    shown = pulled(shop)
    assert shown["conversions"].value == 4.0
    assert "offsite\\_conversion.custom.77" in shown["none_of_our_events"].value
    assert "event match quality, of 10" in shown["diagnostics"].value
    run_pipeline(shop.settings(), None, progress=lambda line: None)

    rate = "select accepted_conversions, reported_conversions, reported_value, report_rate from metrics.report_rate"
    assert shop.query(f"{rate} where report_date = '2026-01-10'") == [(5, Decimal(4), Decimal("169.9"), 0.8)]
    zone = "select distinct destination, event, time_zone, attribution_window from raw.platform_reports"
    assert shop.query(zone) == [("google", "purchase", "UTC", "the ad sets'")]

    # Twelve hours later the platform knows of one more, and after that it thinks better of it.
    first = vendor.golden.exchanges[2]["reply"]["data"]
    one_more = {"actions": [{"action_type": "offsite_conversion.fb_pixel_purchase", "value": "1"}]}
    vendor.tell(2, data=[{**first[0], **one_more, "date_start": "2026-01-10", "date_stop": "2026-01-10"}])
    pulled(shop)
    vendor.tell(2, data=first)
    pulled(shop)
    run_pipeline(shop.settings(), None, progress=lambda line: None)
    assert shop.query(f"{rate} where report_date = '2026-01-10'")[0][1] == 4
    assert shop.query(TOLD)[-2:] == [(Decimal(5), Decimal("169.9")), (Decimal(4), Decimal("169.9"))]
    assert vendor.wrong == []


def test_a_pull_that_fails_is_a_failed_run_and_stops_no_build(shop: Any, make: Any, vendor: Vendor) -> None:
    settings = shop.home / "postbacks.toml"
    settings.write_text(settings.read_text() + REPORT.format(url=vendor.url))
    vendor.instead = {2: Answer(400)}
    shop.orders(make.order(1))
    shop.clicks(make.click(1))

    assert pulled(shop, fails=True) == {}
    run_pipeline(shop.settings(), None, progress=lambda line: None)
    assert len(shop.received()) == 1
    assert shop.query("select count(*) from raw.platform_reports") == [(0,)]


def test_nothing_is_scheduled_where_no_report_is_configured(shop: Any) -> None:
    assert {job.name for job in code_location().jobs or ()} & {JOB} == set()
    settings = shop.home / "postbacks.toml"
    settings.write_text(settings.read_text() + REPORT.format(url="https://graph.facebook.com"))
    found = code_location()
    schedule = found.resolve_schedule_def("pull_reports_often")
    assert (schedule.job_name, schedule.default_status) == (JOB, dg.DefaultScheduleStatus.RUNNING)
    assert "nobody is asked" in pulled(shop)["nothing_pulled"].value
