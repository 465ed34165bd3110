"""`postback pull`: each report asked once, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from typer.testing import Result

from postback_pipeline.settings import Settings
from tests.platforms.golden_exchanges import golden
from tests.platforms.vendor_server import Answer, Vendor, vendor_server

Postback = Callable[..., Result]
REPORT = """
[reports.{name}]
destination = "{destination}"
platform = "meta"
accounts = ["1234567890"]
events = {{ purchase = "offsite_conversion.fb_pixel_purchase" }}
base_url = "{url}"
attempts = 1
"""
DAYS = ("--from", "2026-03-28", "--to", "2026-03-29")


@pytest.fixture
def vendor(deployment: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """The platform, which two reports ask."""
    monkeypatch.setenv("META_REPORTS_ACCESS_TOKEN", "meta-secret")
    text = deployment.file.read_text()
    for destination in ("partner", "crm"):
        head = f"[destinations.{destination}]\n"
        text = text.replace(head, f'{head}report_time_zone = "Europe/Berlin"\n')
    with vendor_server(golden("meta")) as vendor:
        whose = {"one": "partner", "two": "crm"}
        text += "".join(REPORT.format(name=name, destination=whose[name], url=vendor.url) for name in whose)
        deployment.file.write_text(text)
        yield vendor


def test_a_report_is_pulled_by_name_for_the_days_that_are_named(
    postback: Postback, deployment: Settings, vendor: Vendor
) -> None:
    found = postback("pull", "one", *DAYS, "--json")
    assert found.exit_code == 0, found.output
    (line,) = json.loads(found.stdout)
    assert (line["report"], line["platform"], line["days"]) == ("one", "Meta", "2026-03-28 to 2026-03-29")
    assert (line["conversions"], line["new or restated"], line["says"]) == ("4.0000", 2, None)
    (file,) = (deployment.home / "landing" / "platform_reports" / "pulled" / "one").iterdir()
    assert line["file"] == str(file)
    assert "2026-03-28 to 2026-03-29" in postback("pull", *DAYS).stdout


def test_one_that_fails_stops_no_other_and_is_told(postback: Postback, vendor: Vendor) -> None:
    vendor.instead = {0: Answer(500)}
    found = postback("pull", *DAYS, "--json")
    assert found.exit_code == 1
    one, two = json.loads(found.stdout)
    assert (one["says"], one["file"]) == ("reports.one: account 1234567890: It answered HTTP 500.", None)
    assert two["file"]


def test_in_mode_test_nobody_is_asked_and_that_is_no_failure(
    postback: Postback, deployment: Settings, vendor: Vendor
) -> None:
    deployment.file.write_text(deployment.file.read_text().replace(vendor.url, "https://graph.facebook.com"))
    found = postback("pull", "--json")
    assert (found.exit_code, {line["says"] for line in json.loads(found.stdout)}) == (
        0,
        {f"destination {each} is in mode test: nobody is asked" for each in ("partner", "crm")},
    )
    assert vendor.received == []


def test_what_is_not_configured_is_a_sentence(postback: Postback, vendor: Vendor, deployment: Settings) -> None:
    assert "three is no report. There are: one, two." in postback("pull", "three").output
    deployment.file.write_text(deployment.file.read_text().partition("[reports.")[0])
    assert "no report is configured" in postback("pull").output
