"""A batch that was refused as a whole goes out in parts, each an attempt of its own, durable before its bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from postback_pipeline.ledger import Claim, Result
from postback_pipeline.model import Outcome, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def batch(shop: Shop, count: int = 3) -> list[Claim]:
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(count)])
    return shop.claim()


def refused(shop: Shop, claims: list[Claim]) -> list[Result]:
    return [
        shop.result(claim, Outcome.REJECTED, final=False, reason="batch_refused", http_status=400) for claim in claims
    ]


def again(shop: Shop, claims: list[Claim], lease: float = 60) -> list[Claim]:
    return shop.ledger.reattempt(refused(shop, claims), claims, lease_seconds=lease)


def test_the_next_attempt_begins_where_the_refused_one_ended(shop: Shop, clock: Clock) -> None:
    claims = batch(shop)
    start = clock.now
    clock.forward(seconds=20)
    found = again(shop, claims, lease=30)
    assert [claim.postback_id for claim in found] == [claim.postback_id for claim in claims]
    for before, after in zip(claims, found, strict=True):
        assert after == before._replace(
            token=after.token,
            attempt=2,
            lease_until=clock.now + timedelta(seconds=30),
            claimed_from=State.RETRY,
            counts=False,
        )
    assert len({claim.token for claim in claims + found}) == 6
    story = shop.newest("purchase:0")
    assert (story.state, len(shop.claim())) == (State.SENDING, 0)
    first, second = story.attempts
    assert (first.number, first.outcome, first.reason, first.http_status) == (1, Outcome.REJECTED, "batch_refused", 400)
    assert (first.started_at, first.finished_at) == (start, clock.now)
    assert (second.number, second.outcome, second.started_at, second.owner) == (2, None, clock.now, "w1")


def test_the_history_tells_both_attempts(shop: Shop) -> None:
    again(shop, batch(shop, 1))
    told = [(row["from_state"], row["to_state"], row["attempt"], row["outcome"]) for row in shop.history()]
    assert told == [
        (None, "pending", None, None),
        ("pending", "sending", 1, None),
        ("sending", "retry", 1, "rejected"),
        ("retry", "sending", 2, None),
    ]
    assert shop.history()[2]["reason"] == "batch_refused"


def test_parts_of_a_batch_use_up_no_budget(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, max_attempts=2)
    claims = batch(shop, 1)
    for _ in range(10):
        claims = again(shop, claims)
    (claim,) = claims
    assert claim.attempt == 11
    shop.record(claim, Outcome.REJECTED, final=False)
    assert shop.state("purchase:0") is State.RETRY
    clock.forward(days=1)
    shop.send(Outcome.REJECTED, final=False)
    assert (shop.state("purchase:0"), shop.newest("purchase:0").reason) == (State.EXPIRED, "attempts_exhausted")


def test_a_part_that_is_released_gives_no_attempt_back(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, max_attempts=1)
    (claim,) = again(shop, batch(shop, 1))
    shop.ledger.release([claim])
    assert shop.state("purchase:0") is State.RETRY
    (claim,) = shop.claim()
    shop.record(claim, Outcome.REJECTED, final=False)
    assert (shop.state("purchase:0"), shop.newest("purchase:0").reason) == (State.EXPIRED, "attempts_exhausted")


def test_the_first_part_s_outcome_counts_like_any_other(shop: Shop) -> None:
    good, bad, odd = again(shop, batch(shop))
    shop.record(good)
    shop.record(bad, Outcome.REJECTED, reason="no_click")
    shop.record(odd, Outcome.UNKNOWN)
    assert [shop.state(f"purchase:{number}") for number in range(3)] == [State.ACCEPTED, State.REJECTED, State.PARKED]


def test_the_deduplication_window_still_starts_with_the_first_attempt(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True, dedup_window=timedelta(hours=48), retry_max_seconds=60)
    forgotten_at = clock.now + timedelta(hours=48)
    (claim,) = batch(shop, 1)
    clock.forward(seconds=30)
    (after,) = again(shop, [claim])
    shop.record(after, Outcome.UNKNOWN)
    clock.forward(hours=1)
    (claim,) = shop.claim()
    (after,) = again(shop, [claim])
    assert (claim.expires_at, after.expires_at) == (forgotten_at, forgotten_at)


def test_claims_whose_lease_was_lost_are_missing_and_noted(shop: Shop, clock: Clock) -> None:
    lost, kept = batch(shop, 2)
    clock.forward(seconds=30)
    (kept,) = shop.ledger.renew([kept], 600)
    clock.forward(seconds=30)
    assert shop.sweep()[State.UNKNOWN] == 1
    (found,) = again(shop, [lost, kept])
    assert found.postback_id == kept.postback_id
    story = shop.newest(lost.conversion_key)
    (attempt,) = story.attempts
    assert (story.state, attempt.outcome, attempt.stale) == (State.PARKED, Outcome.REJECTED, True)


def test_the_old_token_is_worth_nothing_any_more(shop: Shop) -> None:
    claims = batch(shop, 1)
    (after,) = again(shop, claims)
    assert shop.record(claims[0]) == 1
    assert again(shop, claims) == []
    assert shop.record(after) == 0
    assert shop.state("purchase:0") is State.ACCEPTED


def test_a_part_whose_worker_died_is_unknown(shop: Shop, clock: Clock) -> None:
    again(shop, batch(shop, 1), lease=60)
    clock.forward(seconds=60)
    assert shop.sweep()[State.UNKNOWN] == 1
    first, second = shop.newest("purchase:0").attempts
    assert (first.outcome, second.outcome) == (Outcome.REJECTED, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    "given",
    [
        {"outcome": Outcome.ACCEPTED},
        {"outcome": Outcome.UNKNOWN},
        {"outcome": Outcome.REJECTED, "final": True},
        {"outcome": Outcome.REJECTED, "final": False, "token": "another"},
    ],
)
def test_only_what_was_refused_with_its_batch_is_tried_again_at_once(shop: Shop, given: dict[str, Any]) -> None:
    (claim,) = batch(shop, 1)
    before = shop.history()
    result = shop.result(claim)._replace(**given)
    with pytest.raises(ValueError, match="was not refused with its batch"):
        shop.ledger.reattempt([result], [claim], lease_seconds=60)
    assert shop.history() == before


def test_a_batch_of_more_than_a_statement_holds_is_tried_again(shop: Shop) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(1_200)])
    claims = shop.claim(1_200)
    found = again(shop, claims)
    assert [claim.postback_id for claim in found] == [claim.postback_id for claim in claims]
    recorded = shop.ledger.record([shop.result(claim) for claim in found], rules=shop.rules)
    assert recorded.late == 0
