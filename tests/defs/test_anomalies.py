"""From landing files to an alert and its end: clicks that stop to carry ids are found in the figures of the day."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.alerting.round import run_round
from postback_pipeline.alerting.warehouse_conditions import warehouse_place
from postback_pipeline.defs import anomalies
from postback_pipeline.defs.runs import run_pipeline
from tests.alerting.receivers import HttpReceiver, http_receiver

DAYS, A_DAY = 60, 25
CHANNEL = """
[alerts]
over_after_minutes = 0
[alerts.channels.team]
kind = "slack"
url_env = "TEST_SLACK_URL"
"""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        monkeypatch.setenv("TEST_SLACK_URL", found.url)
        yield found


def landing(make: Any, days_ago: int, *, with_clicks: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The orders of a day, and the clicks of four out of five of them."""
    noon = (datetime.now(UTC) - timedelta(days=days_ago)).replace(hour=12, minute=0, second=0, microsecond=0)
    numbers = [days_ago * 1_000 + number for number in range(A_DAY)]
    orders = [make.order(number, ordered_at=noon.isoformat()) for number in numbers]
    clicked_at = (noon - timedelta(hours=3)).isoformat()
    clicks = [make.click(number, clicked_at=clicked_at) for number in numbers if with_clicks and number % 5]
    return orders, clicks


def load(shop: Any, rows: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]) -> None:
    shop.orders(*(order for orders, _ in rows for order in orders))
    shop.clicks(*(click for _, clicks in rows for click in clicks))


def run(shop: Any) -> None:
    run_pipeline(shop.settings(), None, progress=lambda line: None)


def tell(shop: Any) -> None:
    """A round of the alerts, of what the published copy shows."""
    settings, now = shop.settings(), datetime.now(UTC)
    report = run_round(settings, [warehouse_place(settings, now)], os.environ, now)
    assert report.blind == {} and report.failed == {}


def judged(shop: Any) -> tuple[bool, dict[str, Any]]:
    """The asset alone, on the warehouse as it is: whether its check passed, and what it shows."""
    (asset,) = anomalies.defs().assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    result = dg.materialize([asset], resources={"settings": shop.settings()})
    (event,) = result.asset_materializations_for_node("metrics__anomalies")
    (check,) = result.get_asset_check_evaluations()
    return check.passed, {key: each.value for key, each in event.metadata.items()}


def announced_to_nobody(shop: Any, yesterday: date) -> None:
    """What the settings announce is no finding; without the announcement it is, and the asset shows it."""
    file = shop.settings().file
    written = file.read_text()
    file.write_text(f"{written}\n[[anomalies.changes]]\nfrom = {yesterday}\nmetric = 'match_rate'\nwhy = 'banner'\n")
    passed, shown = judged(shop)
    assert passed
    assert shown["going_on"] == 0
    file.write_text(written)
    passed, shown = judged(shop)
    assert not passed
    assert (shown["going_on"], shown["dagster/row_count"]) == (2, 2)
    assert "match rate" in shown["findings"]
    assert "█▁ |" in shown["findings"]


def test_clicks_without_ids_are_found_told_once_and_over_when_they_are_mended(
    shop: Any, make: Any, receiver: HttpReceiver
) -> None:
    make.deployment(shop, guard_minimum=100_000)
    file = shop.settings().file
    file.write_text(f"{file.read_text()}{CHANNEL}")
    load(shop, [landing(make, days_ago, with_clicks=days_ago > 1) for days_ago in range(DAYS, 0, -1)])
    run(shop)

    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert shop.query("select destination, metric, kind, confidence, since, ended_on from metrics.anomalies") == [
        ("(all)", "match_rate", "drop", "certain", yesterday, None),
        ("google", "match_rate", "drop", "certain", yesterday, None),
    ]
    ranges = shop.query(
        "select round(value, 1), round(expected, 1), low < expected and expected < high, is_out"
        " from metrics.usual_ranges where destination = 'google' and metric = 'match_rate' order by day desc limit 2"
    )
    assert ranges == [(0.0, 0.8, True, True), (0.8, 0.8, True, False)]

    announced_to_nobody(shop, yesterday)
    tell(shop)
    tell(shop)
    (told,) = [json.loads(body)["text"] for _, body in receiver.received]
    assert "google: unusual" in told
    assert f"At google, since {yesterday}: purchase: match rate 0.0% where 79." in told.replace("*", "")

    _, clicks = landing(make, 1, with_clicks=True)
    shop.clicks(*clicks)
    run(shop)
    tell(shop)
    assert shop.query("select count(*) from metrics.anomalies") == [(0,)]
    assert "over: google: unusual" in json.loads(receiver.received[-1][1])["text"]
    assert len(receiver.received) == 2
