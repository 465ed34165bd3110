"""From the outbox to the ledger: rules, rows of several destinations, rows that cannot be rendered."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.delivery.enqueue import enqueue_outbox, rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.ledger import Action, Ledger, Rules, Selection
from postback_pipeline.model import Kind, PostbackError
from postback_pipeline.settings import Settings
from tests.delivery.lines import TRACKER, WEBHOOK, desired


def settings(**destinations: str) -> Settings:
    tables: dict[str, Any] = {
        name: tomllib.loads(text.replace("URL", "http://127.0.0.1:9")) for name, text in destinations.items()
    }
    return Settings(destinations=tables, file=Path("/etc/postbacks.toml"))


TWO = settings(partner=TRACKER, crm=WEBHOOK)


def test_rules_join_what_the_receiver_can_and_what_the_settings_say() -> None:
    text = "deduplicates = true\ndedup_window_hours = 48\nretry = { max_attempts = 3, first_seconds = 1.5 }\n" + TRACKER
    configured = settings(partner=text)
    built = build_destinations(configured)["partner"]
    assert rules_of(built, configured.destinations["partner"]) == Rules(
        restatement=True,
        retraction=True,
        deduplicates=True,
        dedup_window=timedelta(hours=48),
        max_attempts=3,
        retry_first_seconds=1.5,
        retry_max_seconds=3_600.0,
    )


def test_every_destination_gets_its_own_rows(ledger: Ledger) -> None:
    rows = {"partner": [desired(1)], "crm": [desired(1, destination="crm"), desired(2, destination="crm")]}
    reports = enqueue_outbox(rows, ledger, build_destinations(TWO), TWO)
    assert {name: (report.rows, dict(report.kinds)) for name, report in reports.items()} == {
        "partner": (1, {Kind.CONVERSION: 1}),
        "crm": (2, {Kind.CONVERSION: 2}),
    }


def test_the_same_outbox_again_adds_nothing(ledger: Ledger) -> None:
    for expected in (2, 0):
        rows = {"partner": [desired(1, against=0), desired(2, against=0)]}
        reports = enqueue_outbox(rows, ledger, build_destinations(TWO), TWO)
        assert reports["partner"].inserted == expected


def test_a_dry_run_reports_and_writes_nothing(ledger: Ledger) -> None:
    reports = enqueue_outbox({"partner": [desired(1)]}, ledger, build_destinations(TWO), TWO, dry_run=True)
    assert [planned.conversion_key for planned in reports["partner"].planned] == ["purchase:order-1"]
    assert ledger.select(Selection(destination="partner")).stories == ()


def test_what_is_no_good_is_left_out_and_counted_by_reason(ledger: Ledger) -> None:
    meta = settings(meta='type = "meta"\nbase_url = "URL"\npixel_id = "1234567890"\naction_source = "other"')
    persons = ({"email": "ada@example.com", "phone": "12"}, {"email": "not an address", "phone": "+49 30 123456"})
    rows = [desired(number, destination="meta", person=person) for number, person in enumerate(persons)]
    left_out: Counter[tuple[str, Dropped]] = Counter()
    reports = enqueue_outbox({"meta": rows}, ledger, build_destinations(meta), meta, left_out=left_out)
    assert reports["meta"].inserted == 2
    assert left_out == {("meta", Dropped("phone", "malformed")): 1, ("meta", Dropped("email", "malformed")): 1}


def test_a_row_that_cannot_be_rendered_is_named_and_stops_nobody(ledger: Ledger) -> None:
    odd = desired(2, currency="XXX")
    reports = enqueue_outbox({"partner": [desired(1), odd, desired(3)]}, ledger, build_destinations(TWO), TWO)
    report = reports["partner"]
    assert (report.inserted, report.actions[Action.REFUSED]) == (2, 1)
    (refusal,) = report.refusals
    assert refusal.conversion_key == "purchase:order-2"
    assert "'XXX' is not a currency" in refusal.reason


def test_a_row_for_nobody_stops_everything(ledger: Ledger) -> None:
    with pytest.raises(PostbackError, match=r"destination 'unknown', which /etc/postbacks\.toml does not configure"):
        rows = {"partner": [desired(1)], "unknown": [desired(2, destination="unknown")]}
        enqueue_outbox(rows, ledger, build_destinations(TWO), TWO)
    assert ledger.select(Selection(destination="partner")).stories == ()
