"""The report of a day: one file that needs nothing else, with the numbers of SQL; its pictures reach Dagster."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from postback_pipeline.cli import app
from postback_pipeline.defs.daily_report import defs
from postback_pipeline.ledger import Ledger
from postback_pipeline.pictures.daily_report import daily_report, write_report
from postback_pipeline.settings import Settings
from tests.browser.complaints import complaints

DAY = date(2026, 1, 11)
PNG = b"\x89PNG\r\n"


def test_its_numbers_are_those_of_the_metrics(shop: Settings, ledger: Ledger) -> None:
    report = daily_report(shop, DAY)
    with duckdb.connect(shop.published_path, read_only=True) as connection:
        expected = connection.execute(
            "select destination, sum(backend_conversions)::bigint, sum(backend_value),"
            " coalesce(sum(accepted_postbacks), 0)::bigint"
            " from metrics.daily_overview where occurred_on = ? group by all order by 1",
            [DAY],
        ).fetchall()
    rows = report.figures.records()
    assert expected
    assert [(row["destination"], row["conversions"], row["value"], row["accepted"]) for row in rows] == expected
    html = write_report(shop, report).read_text()
    for _, conversions, value, _ in expected:
        assert f"<td>{conversions}</td>" in html
        assert f"{value:,.2f} EUR" in html
    assert "partner, postbacks of unknown fate" in html


def test_without_a_day_it_is_the_last_whole_one_before_the_build(shop: Settings, ledger: Ledger) -> None:
    report = daily_report(shop)
    assert report.day == date(2026, 1, 14)
    assert write_report(shop, report) == shop.home / "reports" / "report-2026-01-14.html"


def test_two_who_write_the_same_day_do_not_meet(shop: Settings, ledger: Ledger, tmp_path: Path) -> None:
    # What another writer has under way, whatever it is.
    (tmp_path / "report.html.fresh").mkdir()
    file = write_report(shop, daily_report(shop, DAY), tmp_path / "report.html")
    assert "</html>" in file.read_text()
    assert sorted(each.name for each in tmp_path.glob("report.html*")) == ["report.html", "report.html.fresh"]


def test_the_file_needs_nothing_else(browser: Browser, shop: Settings, ledger: Ledger, tmp_path: Path) -> None:
    file = write_report(shop, daily_report(shop, DAY), tmp_path / "sent around.html")
    html = file.read_text()
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert "<script" not in html
    page = browser.new_page()
    found = complaints(page)
    page.set_content(html)
    assert page.locator("svg").count() == 2
    assert page.locator("h1").inner_text() == "2026-01-11"
    page.close()
    assert found == []


def test_the_command_writes_it_and_says_where(shop: Settings, ledger: Ledger, tmp_path: Path) -> None:
    arguments = ["report", "--day", "2026-01-11", "--out", str(tmp_path / "r.html"), "--config", str(shop.file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "r.html")
    assert "<h1>2026-01-11</h1>" in (tmp_path / "r.html").read_text()


def test_without_a_copy_the_command_says_what_to_run(shop: Settings) -> None:
    shop.published_path.unlink()
    result = CliRunner().invoke(app, ["report", "--config", str(shop.file)])
    assert result.exit_code == 1
    assert "Run: postback run" in result.stderr


@pytest.mark.parametrize("is_published", [True, False])
def test_the_asset_shows_figures_and_pictures(shop: Settings, ledger: Ledger, is_published: bool) -> None:
    if not is_published:
        shop.published_path.unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        assets = [each for each in defs().assets or () if isinstance(each, dg.AssetsDefinition)]
        result = dg.materialize(assets, instance=instance, resources={"settings": shop})
    (made,) = result.asset_materializations_for_node("published__daily_report")
    if not is_published:
        assert "Run: postback run" in str(made.metadata["nothing_to_report"].value)
        return
    assert Path(str(made.metadata["path"].value)).is_file()
    assert made.metadata["needs_a_person"].value == 2
    for name in ("funnel", "acceptance"):
        (picture,) = re.findall(r"\(data:image/png;base64,([^)]+)\)", str(made.metadata[name].value))
        assert b64decode(picture).startswith(PNG)
    assert "ann@example.com" not in str(made.metadata)
