"""A pull over real HTTP: pages, patience, tokens, and that nothing is landed by halves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postback_pipeline.platforms import PLATFORMS
from postback_pipeline.platforms.base import PullError
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.events import our_events
from postback_pipeline.platforms.landing import Key, Numbers, changed
from postback_pipeline.platforms.reports import build_reports
from postback_pipeline.settings import SettingsError
from postback_pipeline.sources.definition_types import MatchOn, Route
from tests.platforms.contract_checks import SECRETS
from tests.platforms.vendor_server import Answer

Make = Callable[[str], Any]
NAMES = sorted(PLATFORMS)


def rows(file: Path) -> list[tuple[str, ...]]:
    """Day, event, conversions, value and currency of each row of a file."""
    with file.open(encoding="utf-8", newline="") as handle:
        return [
            (row["date"], row["event"], row["conversions"], row["value"], row["currency"])
            for row in csv.DictReader(handle)
        ]


@pytest.mark.parametrize("name", NAMES)
def test_a_pull_keeps_to_the_contract_and_lands_one_file(pulling: Make, name: str) -> None:
    shop = pulling(name)
    found = shop.pull()
    assert shop.vendor.wrong == []
    assert len(shop.vendor.received) == len(shop.vendor.golden.exchanges)
    assert shop.files() == [found.file]
    content = found.file.read_text(encoding="utf-8")
    assert content.endswith("\n")
    assert [secret for secret in SECRETS[name].values() if secret in content] == []
    told = [row for row in found.told if found.told[row].conversions]
    assert {key.event for key in told} == {f"event_{number}" for number in range(len(shop.vendor.golden.events))}


def test_pages_accounts_and_rows_of_the_same_day_are_added_up(pulling: Make) -> None:
    shop = pulling("meta")
    found = shop.pull()
    assert rows(found.file) == [
        ("2026-03-28", "event_0", "4.0000", "169.9000", "EUR"),
        # Meta told nothing about purchases on that day: for the reader that is zero.
        ("2026-03-29", "event_0", "0", "0", "EUR"),
    ]
    assert found.not_ours == {"offsite_conversion.custom.77": Decimal(2)}

    google = pulling("google_ads")
    google.more["accounts"] = ["1234567890", "1234567890"]
    twice = google.pull(minutes=1)
    assert [numbers.conversions for numbers in twice.told.values()] == [5, 0, 6]


def test_what_did_not_change_is_not_landed_again(pulling: Make) -> None:
    shop = pulling("meta")
    shop.pull()
    assert shop.pull(minutes=5).file is None
    assert len(shop.files()) == 1


def test_a_restated_day_is_landed_again_and_a_number_that_is_gone_becomes_zero(pulling: Make) -> None:
    shop = pulling("google_ads")
    shop.pull()
    told = shop.vendor.golden.exchanges
    was = told[1]["reply"]["results"]
    shop.vendor.tell(2, results=[])
    restated = shop.pull(minutes=5)
    assert rows(restated.file) == [("2026-03-30", "event_0", "0", "0", "EUR")]

    shop.vendor.tell(1, results=[{**was[0], "metrics": {**was[0]["metrics"], "conversionsByConversionDate": 4}}])
    assert rows(shop.pull(minutes=10).file) == [("2026-03-28", "event_0", "4.0000", "125.4000", "EUR")]

    shop.vendor.tell(1, results=was)
    back = shop.pull(minutes=15)
    assert rows(back.file) == [("2026-03-28", "event_0", "2.5000", "125.4000", "EUR")]
    files = [file.read_text(encoding="utf-8") for file in shop.files()]
    assert len(set(files)) == 4, "a file with the rows of an older one would not be loaded"


@pytest.mark.parametrize("name", NAMES)
def test_whatever_fails_on_the_way_lands_nothing(pulling: Make, name: str) -> None:
    shop = pulling(name)
    for number in range(len(shop.vendor.golden.exchanges)):
        shop.vendor.received.clear()
        shop.vendor.instead = {number: Answer(400)}
        with pytest.raises(PullError, match=r"^reports\.theirs: account .*: It answered HTTP 400\.$"):
            shop.pull()
    assert shop.files() == []


def test_it_waits_as_long_as_it_is_asked_to(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {1: Answer(429, {"Retry-After": "7"}), 2: Answer(503)}
    shop.pull()
    assert shop.slept == [7.0, 4.0]
    assert len(shop.files()) == 1


def test_whoever_wants_to_be_left_alone_for_long_is_asked_by_the_next_pull(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {1: Answer(429, {"Retry-After": "3600"})}
    with pytest.raises(PullError, match="left alone for 3600 seconds"):
        shop.pull()
    assert (shop.slept, shop.files()) == ([], [])


def test_attempts_are_counted(pulling: Make) -> None:
    shop = pulling("meta")
    shop.more["attempts"] = 3
    shop.vendor.instead = {number: Answer(500) for number in range(1, 9)}
    with pytest.raises(PullError, match=r"It answered HTTP 500 after 3 attempts\.$"):
        shop.pull()
    assert len(shop.vendor.received) == 4


def test_a_token_that_ends_on_the_way_is_asked_for_anew(pulling: Make) -> None:
    shop = pulling("google_ads")
    shop.vendor.instead = {2: Answer(401)}
    shop.pull()
    assert (shop.vendor.tokens, shop.vendor.wrong, len(shop.files())) == (["token-1", "token-2"], [], 1)


def test_credentials_that_are_refused_are_not_tried_for_ever(pulling: Make) -> None:
    shop = pulling("google_ads")
    shop.vendor.over = {f"token-{number}" for number in range(1, 9)}
    with pytest.raises(PullError, match=r"It refuses the credentials \(HTTP 401\)\.$"):
        shop.pull()
    assert shop.vendor.tokens == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("name", "status", "body", "says"),
    [
        (
            "meta",
            400,
            b'{"error": {"code": 190, "message": "token x"}}',
            r"refuses the credentials \(Graph API error 190",
        ),
        (
            "meta",
            400,
            b'{"error": {"code": 100, "message": "Bad jane@example.com"}}',
            "It answered Graph API error 100",
        ),
        (
            "google_ads",
            400,
            b'{"error": {"details": [{"@type": "type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure",'
            b' "errors": [{"errorCode": {"queryError": "UNRECOGNIZED_FIELD"}, "message": "x"}]}]}}',
            "It answered UNRECOGNIZED_FIELD",
        ),
        (
            "google_ads",
            403,
            b'{"error": {"details": [{"@type": "x.GoogleAdsFailure",'
            b' "errors": [{"errorCode": {"authorizationError": "USER_PERMISSION_DENIED"}}]}]}}',
            r"refuses the credentials \(USER_PERMISSION_DENIED\)",
        ),
    ],
)
def test_an_error_is_a_sentence_with_the_platforms_own_code(
    pulling: Make, name: str, status: int, body: bytes, says: str
) -> None:
    shop = pulling(name)
    shop.vendor.instead = {number: Answer(status, body=body) for number in range(1, 9)}
    with pytest.raises(PullError, match=says) as caught:
        shop.pull()
    shown = repr(caught.value)
    assert [word for word in (*SECRETS[name].values(), "jane", "token x", "127.0.0.1") if word in shown] == []
    assert caught.value.__cause__ is None


def test_a_limit_that_meta_tells_with_status_400_passes(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {1: Answer(400, body=b'{"error": {"code": 80000}}')}
    shop.pull()
    assert shop.slept == [2.0]


def test_days_of_other_clocks_are_refused(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.tell(0, timezone_name="America/New_York")
    with pytest.raises(PullError, match="days of America/New_York, the destination's report_time_zone is"):
        shop.pull()
    assert shop.files() == []


def test_a_day_that_nobody_asked_for_is_refused(pulling: Make) -> None:
    shop = pulling("google_ads")
    (row,) = shop.vendor.golden.exchanges[2]["reply"]["results"]
    shop.vendor.tell(2, results=[{**row, "segments": {**row["segments"], "date": "2026-03-31"}}])
    with pytest.raises(PullError, match="told about 2026-03-31"):
        shop.pull()


def test_a_landed_file_that_somebody_changed_is_named(pulling: Make) -> None:
    shop = pulling("meta")
    file = shop.pull().file
    file.write_text("date,event\n2026-03-28,x\n")
    with pytest.raises(PullError, match="is not as it was written"):
        shop.pull(minutes=5)


def test_a_landing_folder_that_is_gone_is_named(pulling: Make) -> None:
    shop = pulling("meta")
    (shop.home / "landing").rmdir()
    with pytest.raises(PullError, match="There is no folder"):
        shop.pull()
    assert shop.vendor.received == []


def test_a_secret_that_is_not_set_is_named_before_anybody_is_asked(
    pulling: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = pulling("meta")
    monkeypatch.delenv("META_REPORTS_ACCESS_TOKEN")
    with pytest.raises(SettingsError, match="META_REPORTS_ACCESS_TOKEN, which is not set"):
        shop.pull()
    assert shop.vendor.received == []


def test_mode_test_asks_nobody_but_this_machine(pulling: Make) -> None:
    shop = pulling("meta")
    assert build_reports(shop.settings)["theirs"].asks
    shop.more["base_url"] = "https://graph.facebook.com"
    report = build_reports(shop.settings)["theirs"]
    assert (report.asks, report.secret_names) == (False, ())
    shop.destination["mode"] = "live"
    report = build_reports(shop.settings)["theirs"]
    assert (report.asks, report.secret_names) == (True, ("META_REPORTS_ACCESS_TOKEN",))


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("meta", {"platform": "mta"}, "reports.theirs: platform: 'mta' is unknown. Known are"),
        ("meta", {"accounts": ["act_1"]}, "reports.theirs: accounts: 'act_1' is not an ad account's id"),
        ("meta", {"pixel": "1"}, "reports.theirs: pixel: Extra inputs are not permitted."),
        ("meta", {"base_url": "http://graph.facebook.com"}, "reports.theirs: base_url: the URL must begin with https"),
        ("google_ads", {"token_url": "https://oauth2.googleapis.com/token"}, "token_url: with a base_url on this"),
    ],
)
def test_wrong_settings_are_sentences(pulling: Make, name: str, more: dict[str, Any], says: str) -> None:
    shop = pulling(name)
    shop.more |= more
    with pytest.raises(SettingsError) as caught:
        build_reports(shop.settings)
    assert says in str(caught.value)


def route(event: str, receiver_event: str, destination: str = "theirs") -> Route:
    """A route of a destination."""
    return Route(destination, event, receiver_event, MatchOn.CLICK, ("fbclid",), 30)


def test_events_are_called_as_the_routes_call_them(pulling: Make) -> None:
    shop = pulling("meta")
    shop.more["events"] = {}
    report = build_reports(shop.settings)["theirs"]
    told = (route("purchase", "Purchase"), route("quote", "Quote"), route("purchase", "sale", "other"))
    assert our_events(report.settings, report.platform, told) == {
        "offsite_conversion.fb_pixel_purchase": "purchase",
        "Quote": "quote",
    }
    assert {key.event for key in shop.pull(routes=told).told} == {"purchase", "quote"}

    with pytest.raises(PullError, match="calls both purchase and renewal offsite_conversion"):
        our_events(report.settings, report.platform, (*told, route("renewal", "Purchase")))
    with pytest.raises(PullError, match="No route leads to theirs"):
        our_events(report.settings, report.platform, ())


def test_a_day_in_the_past_can_be_read_once(pulling: Make) -> None:
    shop = pulling("meta")
    first = shop.pull()
    assert (first.days.first, first.days.last) == (date(2026, 3, 28), date(2026, 3, 29))
    shop.more["lookback_days"] = 1
    assert build_reports(shop.settings)["theirs"].lookback_days == 1


def test_a_network_that_lists_nothing_any_more_reports_zero_and_not_nothing(pulling: Make) -> None:
    shop = pulling("awin")
    first = shop.pull()
    assert ("2026-03-30", "event_0", "0", "0", "EUR") in rows(first.file)
    for number in range(2):
        shop.vendor.golden.exchanges[number]["reply"] = []
    assert rows(shop.pull(minutes=5).file) == [("2026-03-29", "event_0", "0", "0", "EUR")]


def test_a_day_that_is_not_over_is_not_asked_for(pulling: Make) -> None:
    shop = pulling("meta")
    days = shop.vendor.golden.days
    today = days.last + timedelta(days=1)
    with pytest.raises(PullError, match=rf"^reports\.theirs: {today} is not over in Europe/Berlin\. .* {days.last}\.$"):
        shop.pull(days=Days(days.first, today, days.zone))
    assert (shop.vendor.received, shop.files()) == ([], [])
    assert shop.pull(days=Days(days.first, days.last, days.zone)).file


def test_another_destination_or_other_clocks_are_told_everything_anew(pulling: Make) -> None:
    shop = pulling("meta")
    told = rows(shop.pull().file)

    def rewrite(file: Path, was: str, now: str) -> None:
        content = file.read_text(encoding="utf-8")
        assert was in content
        file.write_text(content.replace(was, now), encoding="utf-8")

    (first,) = shop.files()
    rewrite(first, ",theirs,", ",formerly,")
    again = shop.pull(minutes=5)
    assert rows(again.file) == told
    assert shop.pull(minutes=10).file is None

    rewrite(again.file, "Europe/Berlin", "Europe/London")
    assert rows(shop.pull(minutes=15).file) == told
    assert shop.pull(minutes=20).file is None


def test_what_was_told_of_days_of_other_clocks_only_becomes_zero() -> None:
    day = date(2026, 3, 28)
    gone, uncounted = Key(day, "purchase", "USD", "w"), Key(day, "purchase", None, "w")
    assert changed({gone: None, uncounted: None}, {}, Days(day, day, ZoneInfo("UTC"))) == {
        uncounted: Numbers(Decimal(0), None),
        gone: Numbers(Decimal(0), Decimal(0)),
    }
