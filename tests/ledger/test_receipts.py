"""Later verdicts: what becomes of what was accepted, and of the adjustments that wait for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postback_pipeline.ledger import Action, Selection
from postback_pipeline.ledger.receipts import UNCONFIRMED
from postback_pipeline.model import Later, Outcome, Resolution, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop

ROOT = Path(__file__).parents[2]


def test_an_adjustment_is_held_until_the_receiver_processed_what_it_adjusts(shop: Shop) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("7.00")
    assert (shop.state(), shop.claim(), shop.sweep()[State.PENDING]) == (State.HELD, [], 0)
    assert shop.judge(Later.PROCESSED) == 1
    assert shop.sweep()[State.PENDING] == 1
    assert [claim.key for claim in shop.claim()] == ["purchase:1.2"]
    assert shop.states()[0] is State.PROCESSED


def test_a_held_adjustment_is_cancelled_when_its_conversion_is_refused_after_all(shop: Shop) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("0")
    assert shop.judge(Later.REJECTED) == 1
    assert shop.sweep()[State.CANCELLED] == 1
    assert shop.states() == [State.REJECTED, State.CANCELLED]
    assert shop.report("0").actions == {Action.NOTHING: 1}


def test_a_held_adjustment_gives_way_to_a_newer_value(shop: Shop) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("7.00")
    shop.report("5.00")
    assert shop.states() == [State.ACCEPTED, State.SUPERSEDED, State.HELD]
    shop.report("10.00")
    assert shop.states() == [State.ACCEPTED, State.SUPERSEDED, State.CANCELLED]


def test_an_adjustment_of_what_nobody_confirms_waits_for_a_person(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("7.00")
    assert shop.judge(Later.UNCONFIRMED) == 1
    assert shop.sweep() == {State.PARKED: 1}
    assert (shop.states(), shop.newest().reason) == ([State.ACCEPTED, State.PARKED], "parent_unconfirmed")
    now = clock.now
    (trouble,) = shop.ledger.troubles(refused_since=now, expiring_before=now, queued_before=now).postbacks
    assert (trouble.state, trouble.reason, trouble.count) == (State.PARKED, "parent_unconfirmed", 1)
    assert shop.report("7.00").actions == {Action.KNOWN: 1}
    assert shop.report("5.00").actions == {Action.WAITS: 1}


@pytest.mark.parametrize(
    ("resolution", "then"),
    [
        (Resolution.RESEND, State.PENDING),
        (Resolution.ACCEPTED, State.ACCEPTED),
        (Resolution.REJECTED, State.REJECTED),
    ],
)
def test_a_person_decides_about_an_adjustment_of_what_nobody_confirms(
    shop: Shop, resolution: Resolution, then: State
) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.judge(Later.UNCONFIRMED)
    shop.report("7.00")
    # Enqueued after the verdict: due since it is there.
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.oldest_due_at) == (1, shop.newest().changed_at)
    shop.sweep()
    parked = Selection(destination="meta", reason="parent_unconfirmed")
    shop.ledger.resolve(parked, resolution, actor="ann", reason="seen in the console")
    assert shop.sweep() == {}
    assert shop.states() == [State.ACCEPTED, then]
    assert [claim.key for claim in shop.claim()] == (["purchase:1.2"] if then is State.PENDING else [])


def test_an_adjustment_of_what_was_taken_without_a_receipt_waits_for_a_person(shop: Shop) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.report("10.00")
    shop.send(Outcome.ACCEPTED, receipt="")
    shop.report("7.00")
    assert shop.sweep() == {State.PARKED: 1}
    assert shop.states() == [State.ACCEPTED, State.PARKED]


def test_each_of_many_is_judged_by_its_own_receipt(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    for number in range(1, 6):
        shop.report("10.00", f"purchase:{number}")
    claims = shop.claim()
    receipts = ["a", "b", "a", "", "no acceptance"]
    outcomes = [Outcome.ACCEPTED] * 4 + [Outcome.REJECTED]
    shop.ledger.record(
        [
            shop.result(claim, outcome, receipt=receipt)
            for claim, outcome, receipt in zip(claims, outcomes, receipts, strict=True)
        ],
        rules=shop.rules,
    )
    clock.forward(hours=1)
    inquiries = {inquiry.receipt: inquiry for inquiry in shop.ledger.inquiries("meta", 10)}
    assert {receipt: inquiry.postbacks for receipt, inquiry in inquiries.items()} == {"a": 2, "b": 1}
    assert shop.ledger.heed(inquiries["a"].receipt_id, Later.PROCESSED, "done") == 2
    assert shop.ledger.heed(inquiries["a"].receipt_id, Later.REJECTED, "a second verdict") == 0
    states = {claim.conversion_key: shop.state(claim.conversion_key) for claim in claims}
    assert [key for key, state in states.items() if state is State.PROCESSED] == ["purchase:1", "purchase:3"]
    assert shop.ledger.due(["meta"])["meta"].inquiries == 1


def test_a_conflict_is_not_asked_about(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.report("10.00")
    shop.send(Outcome.ACCEPTED, duplicate=True)
    clock.forward(hours=1)
    assert (shop.state(), shop.ledger.inquiries("meta", 10)) == (State.PARKED, [])


def test_receipts_that_bring_no_answer_keep_no_other_from_being_asked_about(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, judges_later=True)

    def accept(*keys: str) -> None:
        shop.enqueue(*(shop.desired(key, "10.00") for key in keys))
        shop.ledger.record([shop.result(claim) for claim in shop.claim()], rules=shop.rules)

    accept(*(f"purchase:dead-{number}" for number in range(30)))
    for _ in range(3):
        clock.forward(hours=6)
        for inquiry in shop.ledger.inquiries("meta", 100):
            shop.ledger.heed(inquiry.receipt_id, None, "")
    clock.forward(hours=6)
    accept("purchase:alive")
    clock.forward(hours=1)
    said = [Later.PROCESSED, Later.PENDING]
    for _ in range(24):
        # A round, which three in a row without an answer end.
        for inquiry in shop.ledger.inquiries("meta", 3):
            is_alive = "alive" in inquiry.receipt
            shop.ledger.heed(inquiry.receipt_id, said.pop() if is_alive else None, "told")
        shop.ledger.defer_inquiries("meta")
        clock.forward(minutes=15)
    assert (said, shop.state("purchase:alive")) == ([], State.PROCESSED)


@pytest.mark.parametrize(("later", "reason"), [(Later.PENDING, "no_verdict"), (Later.NOT_FOUND, "not_found")])
def test_what_is_not_judged_or_not_known_for_too_long_stays_unconfirmed(
    shop: Shop, clock: Clock, later: Later, reason: str
) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("7.00")
    assert shop.judge(later) == 0
    clock.forward(days=13)
    assert (shop.judge(later), shop.sweep()) == (0, {})
    clock.forward(days=1)
    assert (shop.judge(later), shop.stories()[0].reason) == (1, f"{UNCONFIRMED}{reason}")
    assert shop.sweep() == {State.PARKED: 1}


def test_what_stays_unconfirmed_says_so_in_the_words_that_the_warehouse_looks_for(shop: Shop) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.judge(Later.UNCONFIRMED, reason="some_failed")
    assert shop.newest().reason == f"{UNCONFIRMED}some_failed"
    model = (ROOT / "dbt_project/models/metrics/processing_rate.sql").read_text()
    assert f"reason like '{UNCONFIRMED}%'" in model


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (Later.PROCESSED, State.PENDING),
        (Later.REJECTED, State.CANCELLED),
        (Later.UNCONFIRMED, State.PARKED),
    ],
)
def test_due_counts_what_is_held_once_its_parent_was_judged(
    shop: Shop, clock: Clock, later: Later, state: State
) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    shop.report("7.00")
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.oldest_due_at, due.next_due_at) == (0, None, None)
    clock.forward(hours=1)
    shop.judge(later)
    judged_at = clock.now
    clock.forward(hours=1)
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.oldest_due_at) == (1, judged_at)
    shop.sweep()
    assert (shop.state(), shop.ledger.due(["meta"])["meta"].count) == (state, int(state is State.PENDING))


def test_due_counts_what_is_held_once_its_window_closed(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, judges_later=True)
    shop.tell("10.00")
    closes_at = clock.now + timedelta(hours=1)
    shop.report("7.00", expires_at=closes_at)
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.next_due_at) == (0, closes_at)
    clock.forward(hours=1)
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.oldest_due_at) == (1, closes_at)
    shop.sweep()
    assert (shop.state(), shop.ledger.due(["meta"])["meta"].count) == (State.EXPIRED, 0)
