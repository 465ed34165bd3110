"""A claim is one worker's, for a time, and says all that sending needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from postback_pipeline.ledger import Selection
from postback_pipeline.model import Kind, Outcome, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def test_a_claim_carries_what_sending_needs(shop: Shop, clock: Clock) -> None:
    expires_at = clock.now + timedelta(days=7)
    shop.report("10.00", expires_at=expires_at)
    clock.forward(minutes=5)
    (claim,) = shop.claim(lease=30, owner="worker-7")
    story = shop.newest()
    assert (claim.postback_id, claim.destination, claim.conversion_key) == (story.postback_id, "meta", "purchase:1")
    assert claim.kind is Kind.CONVERSION
    assert (claim.key, claim.element) == (shop.rendered[0].key, "purchase:1.1 conversion 10.00 ")
    assert (claim.attempt, claim.claimed_from) == (1, State.PENDING)
    assert claim.lease_until == clock.now + timedelta(seconds=30)
    assert (claim.due_at, claim.expires_at, claim.owner) == (story.due_at, expires_at, "worker-7")
    assert claim.element not in repr(claim)


def test_a_claimed_postback_is_being_sent_and_nobody_else_s(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    assert (shop.state(), shop.claim()) == (State.SENDING, [])
    (attempt,) = shop.newest().attempts
    assert (attempt.number, attempt.owner, attempt.outcome) == (claim.attempt, "w1", None)


def test_what_expires_soonest_is_claimed_first_then_what_has_been_due_longest(shop: Shop, clock: Clock) -> None:
    now = clock.now
    shop.report("1.00", "purchase:none-late", not_before=now + timedelta(minutes=2))
    shop.report("1.00", "purchase:none-early", not_before=now + timedelta(minutes=1))
    shop.report("1.00", "purchase:later", expires_at=now + timedelta(days=2))
    shop.report("1.00", "purchase:soon-late", expires_at=now + timedelta(days=1), not_before=now + timedelta(minutes=1))
    shop.report("1.00", "purchase:soon", expires_at=now + timedelta(days=1))
    clock.forward(minutes=5)
    order = [claim.conversion_key for claim in shop.claim(2) + shop.claim(2) + shop.claim(2)]
    assert order == [
        "purchase:soon",
        "purchase:soon-late",
        "purchase:later",
        "purchase:none-early",
        "purchase:none-late",
    ]


def test_a_claim_takes_one_destination_s_postbacks_only(shop: Shop) -> None:
    shop.report("10.00")
    shop.report("10.00", destination="affiliate")
    assert [claim.destination for claim in shop.claim(destination="affiliate")] == ["affiliate"]


def test_every_claim_has_its_own_token(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    for number in range(3):
        shop.report("10.00", f"purchase:{number}")
    claims = shop.claim()
    clock.forward(minutes=2)
    shop.sweep()
    clock.forward(hours=1)
    claims += shop.claim()
    assert len({claim.token for claim in claims}) == len(claims) == 6


def test_what_expired_is_not_claimed(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", expires_at=clock.now + timedelta(hours=1))
    clock.forward(hours=1)
    assert shop.claim() == []
    assert shop.sweep()[State.EXPIRED] == 1
    assert (shop.state(), shop.newest().reason) == (State.EXPIRED, "window_closed")


def test_a_paused_destination_is_not_claimed_until_it_is_resumed(shop: Shop) -> None:
    shop.report("10.00")
    assert shop.ledger.pause("meta", reason="bad token", actor="delivery")
    assert not shop.ledger.pause("meta", reason="again", actor="ann")
    assert shop.claim() == []
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.paused, due.count) == (True, 1)
    (status,) = shop.ledger.status().destinations
    assert (status.paused, status.pause_reason, status.paused_by) == (True, "bad token", "delivery")
    assert shop.ledger.resume("meta", reason="new token", actor="ann")
    assert not shop.ledger.resume("meta", reason="new token", actor="ann")
    assert len(shop.claim()) == 1


def test_a_postponed_destination_is_not_claimed_before_the_last_of_its_instants(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    shop.report("10.00", destination="affiliate")
    until = clock.now + timedelta(minutes=10)
    shop.ledger.postpone("meta", until, "retry_after")
    shop.ledger.postpone("meta", until - timedelta(minutes=5), "retry_after")
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.next_due_at, due.paused) == (0, until, False)
    clock.forward(minutes=9, seconds=59)
    assert shop.claim() == []
    assert len(shop.claim(destination="affiliate")) == 1
    clock.forward(seconds=1)
    assert len(shop.claim()) == 1


def test_due_counts_what_is_due_and_what_a_dead_worker_left(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", "purchase:1")
    shop.report("10.00", "purchase:2")
    shop.report("10.00", "purchase:3", not_before=clock.now + timedelta(hours=1))
    due = shop.ledger.due(["meta", "nobody"])
    assert (due["meta"].count, due["meta"].oldest_due_at) == (2, clock.now)
    assert due["meta"].next_due_at == clock.now + timedelta(hours=1)
    assert (due["nobody"].count, due["nobody"].oldest_due_at, due["nobody"].next_due_at) == (0, None, None)
    shop.claim(lease=60)
    due = shop.ledger.due(["meta"])
    assert (due["meta"].count, due["meta"].next_due_at) == (0, clock.now + timedelta(seconds=60))
    clock.forward(seconds=60)
    assert shop.ledger.due(["meta"])["meta"].count == 2


def test_a_lease_that_ran_out_makes_the_attempt_unknown_and_parks_it(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    shop.claim(lease=60)
    clock.forward(seconds=59)
    assert shop.sweep()[State.UNKNOWN] == 0
    clock.forward(seconds=1)
    swept = shop.sweep()
    assert (swept[State.UNKNOWN], swept[State.PARKED], swept[State.RETRY]) == (1, 1, 0)
    assert (shop.state(), shop.newest().reason) == (State.PARKED, "receiver_does_not_deduplicate")
    (attempt,) = shop.newest().attempts
    assert (attempt.outcome, attempt.reason) == (Outcome.UNKNOWN, "lease_expired")


def test_a_lease_that_ran_out_is_sent_again_where_the_receiver_deduplicates(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00")
    (first,) = shop.claim(lease=60)
    clock.forward(seconds=60)
    assert shop.sweep()[State.RETRY] == 1
    clock.forward(hours=1)
    (second,) = shop.claim()
    assert (second.attempt, second.claimed_from) == (2, State.RETRY)
    assert (second.key, second.element) == (first.key, first.element)


def test_a_renewed_lease_lasts_longer(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    claims = shop.claim(lease=60)
    clock.forward(seconds=50)
    (renewed,) = shop.ledger.renew(claims, 60)
    assert renewed.lease_until == clock.now + timedelta(seconds=60)
    clock.forward(seconds=59)
    assert shop.sweep()[State.UNKNOWN] == 0
    assert shop.record(renewed) == 0


def test_a_lost_lease_cannot_be_renewed(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00", "purchase:1")
    shop.report("10.00", "purchase:2")
    lost, kept = shop.claim(lease=60)
    shop.record(lost, Outcome.UNKNOWN)
    assert [claim.token for claim in shop.ledger.renew([lost, kept], 60)] == [kept.token]


def test_a_released_claim_is_back_where_it_was_and_counts_nowhere(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    before = shop.newest()
    shop.ledger.release(shop.claim())
    after = shop.newest()
    assert (after.state, after.due_at) == (State.PENDING, before.due_at)
    (attempt,) = after.attempts
    assert (attempt.outcome, attempt.reason) == (Outcome.NOT_SENT, "released")
    clock.forward(minutes=1)
    (claim,) = shop.claim()
    assert claim.attempt == 2


def test_the_deduplication_window_begins_with_the_first_attempt_that_was_not_released(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True, dedup_window=timedelta(hours=48), retry_max_seconds=60)
    shop.report("10.00")
    shop.ledger.release(shop.claim())
    clock.forward(hours=1)
    forgotten_at = clock.now + timedelta(hours=48)
    shop.send(Outcome.UNKNOWN)
    clock.forward(minutes=1)
    shop.ledger.release(shop.claim())
    assert [claim.expires_at for claim in shop.claim()] == [forgotten_at]


def test_a_claim_lasts_no_longer_than_the_receiver_recognises_the_attempt_before(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True, dedup_window=timedelta(hours=48), retry_max_seconds=60)
    claimed_at = clock.now
    closes = {"purchase:never": None, "purchase:sooner": timedelta(hours=24), "purchase:later": timedelta(hours=72)}
    for key, after in closes.items():
        shop.report("10.00", key, expires_at=None if after is None else claimed_at + after)
    first = {claim.conversion_key: claim for claim in shop.claim()}
    assert {key: claim.expires_at for key, claim in first.items()} == {
        key: None if after is None else claimed_at + after for key, after in closes.items()
    }
    for claim in first.values():
        shop.record(claim, Outcome.UNKNOWN)
    clock.forward(minutes=1)
    second = {claim.conversion_key: claim.expires_at for claim in shop.claim()}
    assert second == {
        "purchase:never": claimed_at + timedelta(hours=48),
        "purchase:sooner": claimed_at + timedelta(hours=24),
        "purchase:later": claimed_at + timedelta(hours=48),
    }


def test_releases_never_use_up_the_budget(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, max_attempts=3)
    shop.report("10.00")
    shop.send(Outcome.NOT_SENT)
    clock.forward(hours=1)
    for _ in range(5):
        (claim,) = shop.claim()
        assert claim.claimed_from is State.RETRY
        shop.ledger.release([claim])
        assert shop.state() is State.RETRY
    shop.send(Outcome.NOT_SENT)
    assert shop.state() is State.RETRY
    clock.forward(hours=1)
    shop.send(Outcome.NOT_SENT)
    assert (shop.state(), shop.newest().reason) == (State.EXPIRED, "attempts_exhausted")


def test_a_release_after_the_lease_was_lost_changes_no_state(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    claims = shop.claim(lease=60)
    clock.forward(seconds=60)
    shop.sweep()
    shop.ledger.release(claims)
    assert shop.state() is State.PARKED
    (attempt,) = shop.newest().attempts
    assert (attempt.outcome, attempt.stale) == (Outcome.NOT_SENT, True)


def test_an_unknown_attempt_is_not_followed_by_another_one_after_the_receiver_forgot_it(
    shop: Shop, clock: Clock
) -> None:
    shop.rules = replace(shop.rules, deduplicates=True, dedup_window=timedelta(hours=48), retry_max_seconds=60)
    shop.report("10.00")
    shop.send(Outcome.UNKNOWN)
    assert shop.state() is State.RETRY
    clock.forward(hours=48)
    assert shop.claim() == []
    assert shop.sweep()[State.PARKED] == 1
    assert (shop.state(), shop.newest().reason) == (State.PARKED, "deduplication_window_closed")


def test_an_unknown_attempt_is_not_followed_by_another_one_when_the_rules_changed(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00")
    shop.send(Outcome.UNKNOWN)
    shop.rules = replace(shop.rules, deduplicates=False)
    clock.forward(hours=2)
    assert (shop.claim(), shop.sweep()[State.PARKED]) == ([], 1)


def test_a_window_that_closes_after_an_unknown_attempt_is_a_person_s_business(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00", expires_at=clock.now + timedelta(hours=1))
    shop.send(Outcome.UNKNOWN)
    clock.forward(hours=1)
    swept = shop.sweep()
    assert (swept[State.PARKED], swept[State.EXPIRED], shop.state()) == (1, 0, State.PARKED)


def test_a_sweep_moves_more_than_one_statement_holds(shop: Shop, clock: Clock) -> None:
    expires_at = clock.now + timedelta(hours=1)
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0, expires_at=expires_at) for number in range(2_100)])
    shop.claim(1_050)
    clock.forward(hours=2)
    swept = shop.sweep()
    assert (swept[State.UNKNOWN], swept[State.PARKED], swept[State.EXPIRED]) == (1_050, 1_050, 1_050)


def test_a_cancelled_postback_is_not_claimed(shop: Shop) -> None:
    shop.report("10.00")
    shop.ledger.cancel(Selection(destination="meta"), actor="ann", reason="wrong shop")
    assert shop.claim() == []
