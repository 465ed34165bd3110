"""The history tells everything: in the shape the warehouse copies, in order, never changing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from postback_pipeline.ledger import Selection
from postback_pipeline.model import Later, Outcome, Phase, Resolution

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop

COLUMNS = [
    "seq", "at", "postback_id", "destination", "conversion_key", "event_name", "revision", "kind", "value",
    "previous_value", "currency", "fingerprint", "transaction_id", "click_id", "event_time", "action_at",
    "definition_version", "exchange_rate", "from_state", "to_state", "attempt", "outcome", "phase", "http_status",
    "reason", "actor",
]  # fmt: skip


def busy(shop: Shop, clock: Clock) -> None:
    """Every way a postback can change its state, at least once."""
    shop.rules = replace(shop.rules, deduplicates=True, judges_later=True, max_attempts=2)
    for number in range(1, 9):
        shop.report("10.00", f"purchase:{number}")
    claims = {claim.conversion_key: claim for claim in shop.claim()}
    shop.record(claims["purchase:1"])
    shop.record(claims["purchase:2"], Outcome.REJECTED, reason="no_click", http_status=400)
    shop.record(claims["purchase:3"], Outcome.REJECTED, final=False, http_status=503)
    shop.record(claims["purchase:4"], Outcome.UNKNOWN, phase=Phase.HEAD, http_status=None)
    shop.record(claims["purchase:5"], Outcome.ACCEPTED, duplicate=True)
    shop.ledger.release([claims["purchase:6"]])
    shop.report("9.00", "purchase:6")
    shop.report("0", "purchase:6")
    shop.report("5.00", "purchase:1")
    shop.ledger.resolve(
        Selection(ids=[shop.newest("purchase:5").postback_id]), Resolution.ACCEPTED, actor="ann", reason="asked"
    )
    shop.judge(Later.PROCESSED)
    shop.replay(shop.newest("purchase:2").postback_id)
    shop.record(claims["purchase:7"], Outcome.REJECTED, reason="no_click", http_status=400)
    shop.report("1.00", "purchase:9", expires_at=clock.now + timedelta(minutes=30))
    clock.forward(hours=2)
    shop.sweep()
    for claim in shop.claim():
        shop.record(claim, Outcome.NOT_SENT, phase=Phase.RESOLVING, http_status=None)
    shop.ledger.cancel(Selection(conversion_keys=["purchase:2"]), actor="ann", reason="enough")


def test_a_row_has_the_columns_the_warehouse_copies(shop: Shop, clock: Clock) -> None:
    shop.tell("10.00")
    shop.report("7.00")
    clock.forward(hours=1)
    (claim,) = shop.claim(owner="w2")
    shop.record(claim, Outcome.REJECTED, reason="too_old", http_status=400, phase=Phase.DONE)
    rows = shop.history()
    assert all(list(row) == COLUMNS for row in rows)
    last = rows[-1]
    assert (last["at"], last["at"].tzinfo) == (clock.now, clock.now.tzinfo)
    assert (last["value"], last["previous_value"], last["currency"]) == (Decimal("7.00"), Decimal("10.00"), "GBP")
    assert (last["from_state"], last["to_state"], last["attempt"]) == ("sending", "rejected", 1)
    assert (last["outcome"], last["phase"], last["http_status"], last["reason"]) == ("rejected", "done", 400, "too_old")
    assert (last["actor"], last["revision"], last["kind"]) == ("w2", 2, "restatement")
    assert (last["transaction_id"], last["click_id"]) == ("1", "click-1")
    assert (last["event_time"], last["action_at"]) == (shop.facts().event_time, shop.facts().action_at)
    assert (last["definition_version"], last["exchange_rate"]) == ("d1.r1", None)
    assert [row["actor"] for row in rows[:2]] == ["enqueue", "w1"]


def test_following_the_history_gives_every_state_as_it_is(shop: Shop, clock: Clock) -> None:
    busy(shop, clock)
    states: dict[int, str | None] = {}
    for row in shop.history():
        assert states.get(row["postback_id"]) == row["from_state"], row
        states[row["postback_id"]] = row["to_state"]
    current = {
        story.postback_id: str(story.state) for number in range(1, 10) for story in shop.stories(f"purchase:{number}")
    }
    assert states == current
    assert {"accepted", "processed", "rejected", "cancelled", "superseded", "expired", "retry"} <= set(states.values())


def test_an_unknown_attempt_shows_both_changes_and_counts_once(shop: Shop) -> None:
    shop.report("10.00")
    shop.send(Outcome.UNKNOWN, reason="reset", phase=Phase.HEAD, http_status=None)
    unknown, parked = shop.history()[-2:]
    assert (unknown["from_state"], unknown["to_state"], unknown["outcome"], unknown["reason"]) == (
        "sending",
        "unknown",
        "unknown",
        "reset",
    )
    assert (parked["from_state"], parked["to_state"], parked["outcome"]) == ("unknown", "parked", None)
    assert (unknown["attempt"], parked["attempt"], unknown["phase"], parked["phase"]) == (1, 1, "head", None)


def test_outcomes_in_the_history_are_the_attempts_outcomes(shop: Shop, clock: Clock) -> None:
    busy(shop, clock)
    told = sorted((row["postback_id"], row["attempt"], row["outcome"]) for row in shop.history() if row["outcome"])
    made = sorted(
        (story.postback_id, attempt.number, str(attempt.outcome))
        for number in range(1, 10)
        for story in shop.stories(f"purchase:{number}")
        for attempt in story.attempts
        if attempt.outcome
    )
    assert told == made


def test_the_history_is_read_in_batches_after_a_watermark(shop: Shop, clock: Clock) -> None:
    busy(shop, clock)
    everything = shop.history()
    batches = list(shop.ledger.history(0, batch=7))
    assert [row for batch in batches for row in batch] == everything
    assert {len(batch) for batch in batches[:-1]} == {7}
    middle = everything[len(everything) // 2]["seq"]
    assert [row for batch in shop.ledger.history(middle) for row in batch] == [
        row for row in everything if row["seq"] > middle
    ]
    assert list(shop.ledger.history(everything[-1]["seq"])) == []


def test_rows_once_written_never_change(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    (zombie,) = shop.claim()
    clock.forward(hours=1)
    shop.sweep()
    before = shop.history()
    shop.record(zombie)
    shop.ledger.resolve(Selection(ids=[shop.newest().postback_id]), Resolution.ACCEPTED, actor="ann", reason="asked")
    shop.report("7.00")
    assert shop.history()[: len(before)] == before
