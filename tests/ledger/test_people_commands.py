"""What people do to the ledger: each command's rules, its report, and that who and why are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from postback_pipeline.ledger import Action, LedgerError, Selection
from postback_pipeline.model import Kind, Outcome, Resolution, State

if TYPE_CHECKING:
    from postback_pipeline.ledger import Ledger
    from tests.ledger.conftest import Clock, Shop


def rejected(shop: Shop) -> int:
    shop.report("10.00")
    shop.send(Outcome.REJECTED, reason="no_click")
    return shop.newest().postback_id


def expired(shop: Shop) -> int:
    shop.rules = replace(shop.rules, max_attempts=1)
    shop.report("10.00")
    shop.send(Outcome.NOT_SENT)
    return shop.newest().postback_id


def parked(shop: Shop) -> int:
    shop.report("10.00")
    shop.send(Outcome.UNKNOWN)
    return shop.newest().postback_id


def cancelled(shop: Shop) -> int:
    shop.report("10.00")
    shop.ledger.cancel(Selection(destination="meta"), actor="ann", reason="too early")
    return shop.newest().postback_id


@pytest.mark.parametrize("made", [rejected, expired, parked, cancelled])
def test_a_replay_starts_a_new_round_of_attempts_of_the_same_postback(shop: Shop, made: Callable[[Shop], int]) -> None:
    postback_id = made(shop)
    before = shop.newest()
    assert shop.replay(postback_id).changed == (postback_id,)
    (claim,) = shop.claim()
    assert (claim.postback_id, claim.key, claim.attempt) == (postback_id, "purchase:1.1", len(before.attempts) + 1)
    assert shop.record(claim, Outcome.NOT_SENT) == 0


def test_a_replay_gives_a_new_budget(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, max_attempts=2)
    postback_id = rejected(shop)
    shop.replay(postback_id)
    shop.send(Outcome.NOT_SENT)
    assert shop.state() is State.RETRY
    clock.forward(hours=1)
    shop.send(Outcome.NOT_SENT)
    assert (shop.state(), shop.newest().reason) == (State.EXPIRED, "attempts_exhausted")


def test_repeating_a_replay_changes_nothing_more(shop: Shop) -> None:
    postback_id = rejected(shop)
    shop.replay(postback_id)
    before = shop.history()
    report = shop.replay(postback_id)
    assert (report.changed, report.skipped[0].state) == ((), State.PENDING)
    assert shop.history() == before


def test_only_the_newest_revision_is_replayed(shop: Shop) -> None:
    first = rejected(shop)
    shop.report("12.00")
    report = shop.replay(first)
    assert (report.changed, report.skipped[0].reason) == ((), "A newer revision of this conversion exists.")


def test_replaying_something_accepted_needs_force_and_makes_a_new_revision(shop: Shop) -> None:
    shop.tell("10.00", person={"ip": "192.0.2.7"})
    accepted = shop.newest()
    assert "force" in shop.replay(accepted.postback_id).skipped[0].reason
    (new_id,) = shop.replay(accepted.postback_id, force=True).changed
    copy = shop.newest()
    assert (copy.postback_id, copy.revision, copy.kind, copy.state) == (new_id, 2, Kind.CONVERSION, State.PENDING)
    assert (copy.value, copy.click_id, copy.element_hash) == (accepted.value, accepted.click_id, accepted.element_hash)
    assert shop.stories()[0] == accepted
    (claim,) = shop.claim()
    assert (claim.key, claim.element, claim.attempt) == ("purchase:1.2", "purchase:1.1 conversion 10.00 192.0.2.7", 1)
    shop.record(claim)
    assert shop.report("10.00").actions == {Action.KNOWN: 1}
    assert shop.report("0").kinds == {Kind.RETRACTION: 1}


def test_forcing_a_replay_twice_makes_one_revision(shop: Shop) -> None:
    shop.tell("10.00")
    postback_id = shop.newest().postback_id
    shop.replay(postback_id, force=True)
    assert shop.replay(postback_id, force=True).changed == ()
    assert [story.revision for story in shop.stories()] == [1, 2]


def test_a_replay_after_the_receiver_s_window_needs_force(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", expires_at=clock.now + timedelta(days=1))
    clock.forward(days=2)
    shop.sweep()
    postback_id = shop.newest().postback_id
    assert "window" in shop.replay(postback_id).skipped[0].reason
    assert shop.replay(postback_id, force=True).changed == (postback_id,)
    assert shop.sweep()[State.EXPIRED] == 0
    assert len(shop.claim()) == 1


def test_an_erased_payload_cannot_be_replayed(shop: Shop, clock: Clock) -> None:
    postback_id = rejected(shop)
    clock.forward(days=1)
    shop.ledger.erase_payloads(clock.now)
    assert shop.replay(postback_id).skipped[0].reason == "Its payload was erased."


def test_a_selection_finds_by_all_of_its_conditions(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", "purchase:1")
    clock.forward(days=1)
    shop.report("10.00", "purchase:2")
    shop.report("10.00", "purchase:3")
    shop.report("10.00", "purchase:1", destination="affiliate")
    for claim in shop.claim():
        shop.record(claim, Outcome.REJECTED, reason="late" if claim.conversion_key == "purchase:3" else "no_click")
    selection = Selection(
        destination="meta",
        states=[State.REJECTED],
        event_name="purchase",
        reason="no_click",
        created_from=clock.now,
        created_before=clock.now + timedelta(hours=1),
    )
    report = shop.ledger.replay(selection, actor="ann", reason="fixed")
    assert report.changed == (shop.newest("purchase:2").postback_id,)
    by_key = Selection(conversion_keys=["purchase:1", "purchase:3"], destination="meta")
    assert len(shop.ledger.replay(by_key, actor="ann", reason="fixed").changed) == 2


def test_a_selection_of_everything_is_refused(shop: Shop) -> None:
    for command in (shop.ledger.replay, shop.ledger.cancel):
        with pytest.raises(LedgerError, match="Nothing was selected"):
            command(Selection(), actor="ann", reason="all")


def test_an_id_that_does_not_exist_is_named(shop: Shop) -> None:
    postback_id = rejected(shop)
    with pytest.raises(LedgerError, match="no postback 999"):
        shop.replay(postback_id, 999)
    assert shop.state() is State.REJECTED


@pytest.mark.parametrize(("actor", "reason"), [("", "because"), ("ann", ""), (" ", " ")])
def test_a_command_without_a_name_and_a_reason_does_nothing(shop: Shop, actor: str, reason: str) -> None:
    postback_id = rejected(shop)
    selection = Selection(ids=[postback_id])
    with pytest.raises(LedgerError, match="a name and a reason"):
        shop.ledger.replay(selection, actor=actor, reason=reason)
    with pytest.raises(LedgerError, match="a name and a reason"):
        shop.ledger.pause("meta", actor=actor, reason=reason)
    assert (shop.state(), shop.ledger.due(["meta"])["meta"].paused) == (State.REJECTED, False)


@pytest.mark.parametrize(
    ("resolution", "state"), [(Resolution.ACCEPTED, State.ACCEPTED), (Resolution.REJECTED, State.REJECTED)]
)
def test_a_person_says_what_became_of_a_parked_postback(shop: Shop, resolution: Resolution, state: State) -> None:
    postback_id = parked(shop)
    assert shop.ledger.resolve(Selection(ids=[postback_id]), resolution, actor="ann", reason="asked them").changed == (
        postback_id,
    )
    assert shop.state() is state
    last = shop.newest().history[-1]
    assert (last.from_state, last.actor, last.reason, last.outcome) == (State.PARKED, "ann", "asked them", None)


def test_what_a_person_calls_accepted_is_adjusted_like_any_other(shop: Shop) -> None:
    shop.ledger.resolve(Selection(ids=[parked(shop)]), Resolution.ACCEPTED, actor="ann", reason="asked them")
    assert shop.report("7.00").kinds == {Kind.RESTATEMENT: 1}


def test_a_person_has_a_parked_postback_sent_again(shop: Shop) -> None:
    postback_id = parked(shop)
    shop.ledger.resolve(Selection(ids=[postback_id]), Resolution.RESEND, actor="ann", reason="they never saw it")
    assert shop.report("7.00").actions == {Action.WAITS: 1}
    (claim,) = shop.claim()
    assert (claim.postback_id, claim.attempt) == (postback_id, 2)
    shop.record(claim, Outcome.ACCEPTED, duplicate=True)
    assert shop.state() is State.ACCEPTED


def test_only_a_parked_postback_can_be_resolved(shop: Shop) -> None:
    postback_id = rejected(shop)
    report = shop.ledger.resolve(Selection(ids=[postback_id]), Resolution.ACCEPTED, actor="ann", reason="hm")
    assert (report.changed, [each.reason for each in report.skipped]) == (
        (),
        ["It is rejected: only a parked one can be resolved."],
    )
    assert shop.state() is State.REJECTED
    with pytest.raises(LedgerError, match="no postback 77"):
        shop.ledger.resolve(Selection(ids=[77]), Resolution.ACCEPTED, actor="ann", reason="hm")


def test_cancel_takes_back_what_has_not_left_and_nothing_else(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, deduplicates=True)
    for number in range(1, 5):
        shop.report("10.00", f"purchase:{number}")
    claims = shop.claim(3)
    shop.record(claims[0], Outcome.NOT_SENT)
    shop.record(claims[1], Outcome.UNKNOWN)
    report = shop.ledger.cancel(Selection(destination="meta"), actor="ann", reason="wrong price")
    assert [shop.state(f"purchase:{number}") for number in range(1, 5)] == [
        State.CANCELLED,
        State.RETRY,
        State.SENDING,
        State.CANCELLED,
    ]
    assert [skipped.conversion_key for skipped in report.skipped] == ["purchase:2", "purchase:3"]
    assert shop.newest("purchase:4").history[-1].actor == "ann"


def test_status_counts_by_destination_and_state_with_the_oldest(shop: Shop, clock: Clock) -> None:
    shop.tell("10.00", "purchase:1")
    clock.forward(hours=1)
    shop.tell("10.00", "purchase:2")
    shop.report("10.00", "purchase:3")
    pending_since = clock.now
    clock.forward(minutes=1)
    shop.report("10.00", "purchase:4")
    shop.report("10.00", destination="affiliate")
    shop.ledger.postpone("affiliate", clock.now + timedelta(hours=1), "too many failures")
    affiliate, meta = shop.ledger.status().destinations
    assert (meta.destination, meta.due, meta.oldest_due_at) == ("meta", 2, pending_since)
    assert {state: count.count for state, count in meta.states.items()} == {State.ACCEPTED: 2, State.PENDING: 2}
    assert (meta.states[State.PENDING].oldest, meta.states[State.ACCEPTED].oldest) == (pending_since, None)
    assert (affiliate.due, affiliate.not_before) == (0, clock.now + timedelta(hours=1))
    assert affiliate.postpone_reason == "too many failures"


def test_inspect_tells_the_whole_story_without_the_payload(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", person={"ip": "192.0.2.7"})
    shop.send(Outcome.NOT_SENT, reason="dns")
    clock.forward(hours=1)
    shop.send()
    (story,) = shop.ledger.inspect("purchase:1")
    assert [(attempt.number, attempt.outcome) for attempt in story.attempts] == [
        (1, Outcome.NOT_SENT),
        (2, Outcome.ACCEPTED),
    ]
    assert [(change.from_state, change.to_state) for change in story.history] == [
        (None, State.PENDING),
        (State.PENDING, State.SENDING),
        (State.SENDING, State.RETRY),
        (State.RETRY, State.SENDING),
        (State.SENDING, State.ACCEPTED),
    ]
    assert shop.ledger.inspect(story.postback_id) == [story]
    assert "192.0.2.7" not in repr(story)
    assert "192.0.2.7" not in repr(shop.ledger.status())
    assert shop.ledger.inspect("purchase:unheard") == shop.ledger.inspect(99) == []


def test_who_did_what_and_why_is_kept(shop: Shop, ledger_url: str) -> None:
    postback_id = parked(shop)
    ledger: Ledger = shop.ledger
    ledger.pause("meta", reason="bad token", actor="delivery")
    ledger.resume("meta", reason="new token", actor="bob")
    ledger.resolve(Selection(ids=[postback_id]), Resolution.REJECTED, actor="ann", reason="asked them")
    ledger.replay(Selection(ids=[postback_id]), actor="ann", reason="changed my mind")
    engine = sqlalchemy.create_engine(ledger_url)
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT command, actor, reason, subject FROM actions ORDER BY id")
        kept = [tuple(row) for row in connection.execute(query)]
    engine.dispose()
    assert kept == [
        ("pause", "delivery", "bad token", "meta"),
        ("resume", "bob", "new token", "meta"),
        ("resolve", "ann", "asked them", f"1 changed ({postback_id}), 0 skipped"),
        ("replay", "ann", "changed my mind", f"1 changed ({postback_id}), 0 skipped"),
    ]


def test_a_dry_run_reports_the_same_and_changes_nothing(shop: Shop) -> None:
    shop.report("10.00")
    shop.send()
    shop.report("10.00", "purchase:2")
    chosen = Selection(destination="meta")
    who: dict[str, Any] = {"actor": "ann", "reason": "hm"}
    before = [shop.stories(key) for key in ("purchase:1", "purchase:2")]
    ledger: Ledger = shop.ledger

    cancels = ledger.cancel(chosen, **who, dry_run=True)
    replays = ledger.replay(chosen, **who, force=True, dry_run=True)
    assert [shop.stories(key) for key in ("purchase:1", "purchase:2")] == before

    done = ledger.replay(chosen, **who, force=True)
    assert (done.acted_on, done.skipped) == (replays.acted_on, replays.skipped)
    assert done.acted_on == (before[0][0].postback_id,)
    assert done.changed == (shop.newest("purchase:1").postback_id,)
    assert ledger.cancel(Selection(conversion_keys=["purchase:2"]), **who).changed == cancels.changed
