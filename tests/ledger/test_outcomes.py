"""What the end of an attempt makes of its postback, and that only the holder of the claim decides it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.ledger.machine import Standing, after_attempt, next_attempt_at
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import Result
from postback_pipeline.model import Outcome, Phase, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = Standing(unknown_attempts=0, round_attempts=1, round_started_at=NOON)
PLAIN = Rules(max_attempts=3)
DEDUPLICATES = Rules(max_attempts=3, deduplicates=True, dedup_window=timedelta(hours=48))


def result(outcome: Outcome, *, final: bool = True, duplicate: bool = False) -> Result:
    return Result(1, "token", outcome, NOON, final=final, duplicate=duplicate, reason="why")


TABLE = [
    (result(Outcome.ACCEPTED), PLAIN, FIRST, [State.ACCEPTED], "why"),
    (result(Outcome.REJECTED), PLAIN, FIRST, [State.REJECTED], "why"),
    (result(Outcome.REJECTED, final=False), PLAIN, FIRST, [State.RETRY], "why"),
    (result(Outcome.NOT_SENT), PLAIN, FIRST, [State.RETRY], "why"),
    (
        result(Outcome.REJECTED, final=False),
        PLAIN,
        replace(FIRST, round_attempts=3),
        [State.EXPIRED],
        "attempts_exhausted",
    ),
    (result(Outcome.NOT_SENT), PLAIN, replace(FIRST, round_attempts=3), [State.EXPIRED], "attempts_exhausted"),
    (
        result(Outcome.NOT_SENT),
        DEDUPLICATES,
        replace(FIRST, round_attempts=3, unknown_attempts=1),
        [State.PARKED],
        "attempts_exhausted",
    ),
    (result(Outcome.UNKNOWN), PLAIN, FIRST, [State.UNKNOWN, State.PARKED], "receiver_does_not_deduplicate"),
    (result(Outcome.UNKNOWN), DEDUPLICATES, FIRST, [State.UNKNOWN, State.RETRY], "receiver_deduplicates"),
    (
        result(Outcome.UNKNOWN),
        DEDUPLICATES,
        replace(FIRST, round_started_at=NOON - timedelta(hours=48)),
        [State.UNKNOWN, State.PARKED],
        "deduplication_window_closed",
    ),
    (
        result(Outcome.UNKNOWN),
        replace(DEDUPLICATES, dedup_window=None),
        replace(FIRST, round_started_at=NOON - timedelta(days=900)),
        [State.UNKNOWN, State.RETRY],
        "receiver_deduplicates",
    ),
    (
        result(Outcome.UNKNOWN),
        DEDUPLICATES,
        replace(FIRST, round_attempts=3),
        [State.UNKNOWN, State.PARKED],
        "attempts_exhausted",
    ),
    (result(Outcome.ACCEPTED, duplicate=True), PLAIN, FIRST, [State.PARKED], "conflict"),
    (
        result(Outcome.ACCEPTED, duplicate=True),
        PLAIN,
        replace(FIRST, unknown_attempts=1),
        [State.ACCEPTED],
        "duplicate",
    ),
]


@pytest.mark.parametrize(("ended", "rules", "standing", "states", "reason"), TABLE)
def test_every_line_of_the_table(
    ended: Result, rules: Rules, standing: Standing, states: list[State], reason: str
) -> None:
    found = after_attempt(ended, standing, rules, now=NOON, chance=0.5)
    assert [step.to_state for step in found.steps] == states
    assert found.steps[-1].reason == reason
    assert (found.due_at is not None) == (found.state is State.RETRY)


@given(
    st.integers(1, 10_000),
    st.floats(0, 0.999),
    st.floats(0.1, 1e5),
    st.floats(0.1, 1e5),
    st.one_of(st.none(), st.integers(-86_400, 86_400)),
)
def test_a_retry_is_never_early_and_never_later_than_the_ceiling(
    attempts: int, chance: float, first: float, most: float, wait: int | None
) -> None:
    rules = Rules(retry_first_seconds=first, retry_max_seconds=most)
    retry_after = None if wait is None else NOON + timedelta(seconds=wait)
    due_at = next_attempt_at(attempts, rules, now=NOON, chance=chance, retry_after=retry_after)
    earliest = max(NOON, retry_after or NOON)
    assert earliest <= due_at <= earliest + timedelta(seconds=most)


def test_the_ceiling_doubles_and_chance_covers_it_all() -> None:
    rules = Rules(retry_first_seconds=10, retry_max_seconds=60)
    ceilings = [
        (next_attempt_at(attempts, rules, now=NOON, chance=0.5, retry_after=None) - NOON) * 2
        for attempts in (1, 2, 3, 4, 9)
    ]
    assert ceilings == [timedelta(seconds=seconds) for seconds in (10, 20, 40, 60, 60)]
    assert next_attempt_at(3, rules, now=NOON, chance=0.0, retry_after=None) == NOON


def test_an_accepted_attempt_is_written_with_all_that_is_known_of_it(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    clock.forward(seconds=2)
    reply = {"http_status": 201, "reason": "ok", "reply_head": '{"events_received": 1}', "phase": Phase.BODY}
    assert shop.record(claim, Outcome.ACCEPTED, **reply) == 0
    (attempt,) = shop.newest().attempts
    assert (attempt.outcome, attempt.http_status, attempt.phase) == (Outcome.ACCEPTED, 201, "body")
    assert (attempt.reason, attempt.reply_head, attempt.finished_at) == ("ok", '{"events_received": 1}', clock.now)
    assert (shop.state(), shop.claim()) == (State.ACCEPTED, [])


def test_one_batch_may_end_in_many_ways(shop: Shop) -> None:
    for number in range(1, 6):
        shop.report("10.00", f"purchase:{number}")
    claims = {claim.conversion_key: claim for claim in shop.claim()}
    shop.ledger.record(
        [
            shop.result(claims["purchase:1"], Outcome.ACCEPTED),
            shop.result(claims["purchase:2"], Outcome.REJECTED, reason="no_click", http_status=400),
            shop.result(claims["purchase:3"], Outcome.REJECTED, final=False, http_status=503),
            shop.result(claims["purchase:4"], Outcome.NOT_SENT, phase=Phase.RESOLVING, http_status=None),
            shop.result(claims["purchase:5"], Outcome.UNKNOWN, phase=Phase.HEAD, http_status=None),
        ],
        rules=shop.rules,
    )
    states = [shop.state(f"purchase:{number}") for number in range(1, 6)]
    assert states == [State.ACCEPTED, State.REJECTED, State.RETRY, State.RETRY, State.PARKED]
    assert [shop.newest(f"purchase:{number}").reason for number in (2, 5)] == [
        "no_click",
        "receiver_does_not_deduplicate",
    ]


def test_a_retry_waits_as_long_as_the_receiver_asked_for(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    retry_after = clock.now + timedelta(hours=5)
    shop.send(Outcome.REJECTED, final=False, retry_after=retry_after, http_status=429)
    assert retry_after <= shop.newest().due_at <= retry_after + timedelta(seconds=shop.rules.retry_first_seconds)
    clock.forward(hours=4, minutes=59)
    assert shop.claim() == []
    clock.forward(minutes=2)
    assert len(shop.claim()) == 1


def test_the_budget_of_attempts_ends_in_expired(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    for _ in range(3):
        shop.send(Outcome.REJECTED, final=False, http_status=503)
        clock.forward(days=1)
    assert (shop.state(), shop.newest().reason, len(shop.newest().attempts)) == (State.EXPIRED, "attempts_exhausted", 3)


def test_the_budget_of_attempts_ends_with_a_person_if_one_is_unknown(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00")
    for outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.NOT_SENT):
        shop.send(outcome)
        clock.forward(days=1)
    assert (shop.state(), shop.newest().reason) == (State.PARKED, "attempts_exhausted")


def test_a_duplicate_is_accepted_only_after_an_unknown_attempt_of_the_same_postback(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00")
    shop.send(Outcome.UNKNOWN)
    clock.forward(hours=1)
    shop.send(Outcome.ACCEPTED, duplicate=True)
    assert (shop.state(), shop.newest().reason) == (State.ACCEPTED, "duplicate")
    shop.report("7.00")
    shop.send(Outcome.ACCEPTED, duplicate=True)
    assert (shop.state(), shop.newest().reason) == (State.PARKED, "conflict")


def test_a_late_result_is_noted_and_changes_no_state(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.report("10.00")
    (zombie,) = shop.claim(lease=60, owner="zombie")
    clock.forward(seconds=60)
    shop.sweep()
    clock.forward(hours=1)
    (current,) = shop.claim()
    before = len(shop.history())
    assert shop.record(zombie, Outcome.REJECTED, reason="too late") == 1
    assert (shop.state(), len(shop.history())) == (State.SENDING, before)
    late, running = shop.newest().attempts
    assert (late.outcome, late.stale, late.reason) == (Outcome.REJECTED, True, "too late")
    assert (running.outcome, running.stale) == (None, False)
    assert shop.record(current) == 0
    assert shop.state() is State.ACCEPTED


def test_a_result_that_is_recorded_already_is_ignored(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    recorded = shop.result(claim)
    assert shop.ledger.record([recorded], rules=shop.rules).late == 0
    before = (shop.history(), shop.newest().attempts)
    assert shop.ledger.record([recorded], rules=shop.rules).late == 0
    assert (shop.history(), shop.newest().attempts) == before


def test_of_two_results_for_one_claim_the_first_one_holds(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    results = [shop.result(claim, Outcome.REJECTED, reason="no"), shop.result(claim, Outcome.ACCEPTED)]
    assert shop.ledger.record(results, rules=shop.rules).late == 1
    assert shop.state() is State.REJECTED
    assert [(attempt.outcome, attempt.stale) for attempt in shop.newest().attempts] == [(Outcome.REJECTED, False)]
    assert [row["to_state"] for row in shop.history()] == ["pending", "sending", "rejected"]


def test_a_release_may_be_repeated(shop: Shop, clock: Clock) -> None:
    shop.report("10.00")
    claims = shop.claim()
    shop.ledger.release(claims)
    before = (shop.history(), shop.newest().attempts)
    clock.forward(seconds=3)
    shop.ledger.release(claims)
    assert (shop.history(), shop.newest().attempts) == before


def test_more_results_than_one_statement_holds_are_recorded_once_each(shop: Shop) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(1_200)])
    results = [shop.result(claim) for claim in shop.claim(1_200)]
    assert shop.ledger.record([*results, results[0]], rules=shop.rules).late == 0
    assert sum(row["to_state"] == "accepted" for row in shop.history()) == 1_200


def test_a_result_with_a_token_nobody_gave_out_changes_nothing(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    assert shop.record(claim._replace(token="made up")) == 1
    assert shop.record(claim._replace(postback_id=999_999)) == 1
    assert (shop.state(), shop.newest().attempts[0].outcome) == (State.SENDING, None)


def test_what_a_receiver_answers_never_breaks_the_record(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    odd = "\x00\udc80é" * 2_000
    assert shop.record(claim, Outcome.REJECTED, reason=odd, reply_head=odd) == 0
    (attempt,) = shop.newest().attempts
    assert attempt.reply_head is not None
    assert len(attempt.reply_head.encode()) <= 2_048
    assert shop.state() is State.REJECTED


def test_nothing_to_record_renew_or_release_is_no_error(shop: Shop) -> None:
    assert shop.ledger.record([], rules=shop.rules).late == 0
    assert shop.ledger.renew([], 60) == []
    shop.ledger.release([])
    assert shop.history() == []
