"""Enqueue turns the outbox into postbacks: identity, revisions, facts, refusals, and nothing twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from postback_pipeline.ledger import Action, LedgerError, Rules, Selection, open_ledger
from postback_pipeline.ledger.outbox import RowsInMemory
from postback_pipeline.model import Desired, Kind, Outcome, Postback, State
from postback_pipeline.settings import Guard

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def test_a_new_value_becomes_the_first_revision(shop: Shop) -> None:
    report = shop.report("10.00", expires_at=shop.clock.now + timedelta(days=7))
    story = shop.newest()
    assert (report.inserted, report.kinds, report.actions) == (1, {Kind.CONVERSION: 1}, {Action.INSERT: 1})
    assert (story.revision, story.kind, story.state) == (1, Kind.CONVERSION, State.PENDING)
    assert (story.value, story.previous_value, story.currency) == (Decimal("10.00"), None, "GBP")
    assert story.expires_at == shop.clock.now + timedelta(days=7)


def test_amounts_come_back_digit_for_digit(shop: Shop) -> None:
    for number, value in enumerate(["0.01", "19.9900", "123456789012345678.1234", "1E+3"]):
        shop.report(value, f"purchase:{number}")
        assert f"{shop.newest(f'purchase:{number}').value:f}" == f"{Decimal(value):f}"


def test_enqueueing_the_same_again_writes_nothing(shop: Shop) -> None:
    rows = [shop.desired(f"purchase:{number}") for number in range(25)]
    assert shop.enqueue(*rows).inserted == 25
    before = shop.history()
    again = [replace(row, computed_against=1) for row in rows]
    assert shop.enqueue(*again).actions == {Action.KNOWN: 25}
    assert shop.enqueue(*rows).actions == {Action.STALE: 25}
    assert shop.history() == before


def test_an_enqueue_that_has_nothing_to_write_waits_for_no_writer(sqlite_shop: Shop, sqlite_url: str) -> None:
    sqlite_shop.report("10.00")
    rows = [sqlite_shop.desired()]
    file = sqlite_url.removeprefix("sqlite:///")
    with open_ledger(f"{sqlite_url}?timeout=0", "test") as ledger, closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        report = ledger.enqueue("meta", rows, rules=sqlite_shop.rules, render=sqlite_shop.render, guard=Guard())
    assert report.actions == {Action.KNOWN: 1}


def test_more_rows_than_one_statement_holds_are_enqueued_as_one(shop: Shop) -> None:
    rows = [shop.desired(f"purchase:{number}", against=0) for number in range(2_345)]
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    assert shop.enqueue(*rows).inserted == 2_345
    assert shop.ledger.due(["meta"])["meta"].count == 2_345
    assert len(shop.history()) == 2_345


def test_what_was_accepted_is_adjusted_by_a_new_revision_with_both_totals(shop: Shop) -> None:
    shop.tell("10.00")
    assert shop.report("7.00").kinds == {Kind.RESTATEMENT: 1}
    story = shop.newest()
    assert (story.revision, story.value, story.previous_value) == (2, Decimal("7.00"), Decimal("10.00"))
    shop.send()
    assert shop.report("0").kinds == {Kind.RETRACTION: 1}
    assert (shop.newest().revision, shop.newest().previous_value) == (3, Decimal("7.00"))


def test_the_renderer_sees_totals_delta_key_and_person(shop: Shop) -> None:
    shop.tell("10.00")
    shop.report("7.00", person={"ip": "192.0.2.7"})
    adjusted = shop.rendered[-1]
    assert (adjusted.key, adjusted.kind, adjusted.delta) == ("purchase:1.2", Kind.RESTATEMENT, Decimal("-3.00"))
    assert adjusted.person == {"ip": "192.0.2.7"}
    (claim,) = shop.claim()
    assert (claim.key, claim.element) == (adjusted.key, "purchase:1.2 restatement 7.00 192.0.2.7")


def test_what_had_not_left_is_superseded_and_only_the_newest_value_leaves(shop: Shop) -> None:
    shop.report("10.00")
    assert shop.report("8.00").actions == {Action.REPLACE: 1}
    assert shop.states() == [State.SUPERSEDED, State.PENDING]
    assert [(claim.key, claim.kind) for claim in shop.claim()] == [("purchase:1.2", Kind.CONVERSION)]


def test_a_reversal_before_anything_left_cancels_and_sends_nothing(shop: Shop) -> None:
    shop.report("10.00")
    assert shop.report("0").actions == {Action.CANCEL: 1}
    assert (shop.state(), shop.claim()) == (State.CANCELLED, [])
    assert shop.report("0").actions == {Action.NOTHING: 1}


def test_a_conversion_that_was_cancelled_may_come_back(shop: Shop) -> None:
    shop.report("10.00")
    shop.report("0")
    assert shop.report("10.00").kinds == {Kind.CONVERSION: 1}
    assert shop.states() == [State.CANCELLED, State.PENDING]


def test_an_adjustment_that_became_needless_is_cancelled(shop: Shop) -> None:
    shop.tell("10.00")
    shop.report("7.00")
    assert shop.report("10.00").actions == {Action.CANCEL: 1}
    assert shop.states() == [State.ACCEPTED, State.CANCELLED]
    assert shop.report("10.00").actions == {Action.NOTHING: 1}


def test_a_reversal_of_something_rejected_is_dropped(shop: Shop) -> None:
    shop.report("10.00")
    shop.send(Outcome.REJECTED, reason="invalid_click")
    assert shop.report("0").actions == {Action.NOTHING: 1}


def test_what_is_in_flight_or_unknown_is_waited_for(shop: Shop) -> None:
    shop.report("10.00")
    (claim,) = shop.claim()
    assert shop.report("7.00").actions == {Action.WAITS: 1}
    shop.record(claim, Outcome.UNKNOWN)
    assert (shop.state(), shop.report("7.00").actions) == (State.PARKED, {Action.WAITS: 1})
    assert shop.report("10.00").actions == {Action.KNOWN: 1}


def test_a_retry_is_superseded_unless_one_of_its_attempts_is_unknown(shop: Shop) -> None:
    shop.report("10.00")
    shop.send(Outcome.NOT_SENT, reason="dns")
    assert (shop.state(), shop.report("9.00").actions) == (State.RETRY, {Action.REPLACE: 1})
    shop.rules = replace(shop.rules, deduplicates=True)
    shop.send(Outcome.UNKNOWN, reason="reset")
    assert (shop.state(), shop.report("8.00").actions) == (State.RETRY, {Action.WAITS: 1})


def test_a_rejected_conversion_is_sent_again_only_with_another_value(shop: Shop) -> None:
    shop.report("10.00")
    shop.send(Outcome.REJECTED, reason="value_too_low")
    assert shop.report("10.00").actions == {Action.KNOWN: 1}
    assert shop.report("12.00").kinds == {Kind.CONVERSION: 1}


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        (Rules(), "7.00"),
        (Rules(), "0"),
        (Rules(restatement=True), "0"),
        (Rules(retraction=True), "7.00"),
        (Rules(restatement=True, increase=False), "12.00"),
    ],
)
def test_what_the_receiver_cannot_be_told_is_counted_and_not_sent(shop: Shop, rules: Rules, value: str) -> None:
    shop.tell("10.00")
    shop.rules = rules
    assert shop.report(value).actions == {Action.UNSUPPORTED: 1}


def test_a_value_after_a_retraction_needs_a_receiver_that_reinstates(shop: Shop) -> None:
    shop.tell("10.00")
    shop.tell("0")
    shop.rules = replace(shop.rules, reinstatement=False)
    assert shop.report("10.00").actions == {Action.UNSUPPORTED: 1}
    shop.rules = replace(shop.rules, reinstatement=True)
    assert shop.report("10.00").kinds == {Kind.RESTATEMENT: 1}
    assert shop.newest().previous_value == 0


def test_what_the_pixel_reported_is_adjusted_and_not_reported_again(shop: Shop) -> None:
    reported: dict[str, Any] = {"pixel_reported_value": Decimal("10.00")}
    assert shop.report("10.00", **reported).actions == {Action.KNOWN: 1}
    assert shop.report("0", **reported).kinds == {Kind.RETRACTION: 1}
    assert (shop.newest().revision, shop.newest().previous_value) == (1, Decimal("10.00"))
    shop.rules = replace(shop.rules, adjusts_pixel=False)
    assert shop.report("7.00", "purchase:2", **reported).actions == {Action.UNSUPPORTED: 1}


def test_zero_is_reported_and_retracted_where_it_is_a_worth_like_any_other(shop: Shop) -> None:
    assert shop.report("0", zero_counts=True).kinds == {Kind.CONVERSION: 1}
    shop.send()
    assert shop.report("0", zero_counts=True).actions == {Action.KNOWN: 1}
    assert shop.report("0").kinds == {Kind.RETRACTION: 1}
    shop.send()
    assert shop.report("0").actions == {Action.KNOWN: 1}


def test_one_conversion_is_numbered_at_every_destination_by_itself(shop: Shop) -> None:
    shop.tell("10.00")
    shop.report("7.00")
    shop.report("7.00", destination="affiliate")
    assert [story.revision for story in shop.stories(destination="affiliate")] == [1]


def test_facts_are_the_newest_ones_until_the_first_claim(shop: Shop) -> None:
    shop.report("10.00")
    shop.report("8.00", facts=shop.facts(click_id="better"))
    assert shop.newest().click_id == "better"


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.REJECTED])
def test_facts_are_settled_by_the_first_claim_and_only_the_value_moves(shop: Shop, outcome: Outcome) -> None:
    shop.report("10.00")
    shop.send(outcome)
    late = shop.facts(
        click_id="better", event_time=shop.clock.now, transaction_id="other", event_id=None, definition_version="d2.r1"
    )
    shop.report("8.00", facts=late)
    first, second = shop.stories()
    assert (second.revision, second.value) == (2, Decimal("8.00"))
    for name in ("click_id", "event_time", "transaction_id", "event_id", "definition_version", "identifiers"):
        assert getattr(second, name) == getattr(first, name), name
    assert shop.rendered[-1].facts == shop.facts()


def test_nothing_leaves_before_the_receiver_takes_it(shop: Shop, clock: Clock) -> None:
    shop.report("10.00", not_before=clock.now + timedelta(hours=3))
    clock.forward(hours=2, minutes=59)
    assert (shop.claim(), shop.ledger.due(["meta"])["meta"].count) == ([], 0)
    clock.forward(minutes=1)
    assert len(shop.claim()) == 1


def test_a_dry_run_tells_what_would_be_written_and_writes_nothing(shop: Shop) -> None:
    shop.tell("10.00")
    shop.report("20.00", "purchase:2")
    before = shop.history()
    rows = [shop.desired(value="7.00"), shop.desired("purchase:2", "0"), shop.desired("purchase:3", "30.00")]
    report = shop.enqueue(*rows, dry_run=True)
    assert report.actions == {Action.INSERT: 2, Action.CANCEL: 1}
    assert [(plan.conversion_key, plan.kind, plan.value, plan.previous_value) for plan in report.planned] == [
        ("purchase:1", Kind.RESTATEMENT, Decimal("7.00"), Decimal("10.00")),
        ("purchase:3", Kind.CONVERSION, Decimal("30.00"), None),
    ]
    assert report.cancelled == ("purchase:2",)
    assert shop.history() == before


def test_one_odd_row_is_refused_with_a_reason_and_the_others_go_on(shop: Shop) -> None:
    class OddClick(LedgerError):
        pass

    OddClick.__module__ = "postback_pipeline.destinations.base"

    def render(postback: Postback) -> str:
        if postback.conversion_key == "purchase:2":
            raise OddClick("The click id is too long.")
        if postback.conversion_key == "purchase:3":
            raise ValueError("cannot parse jane@example.org")
        return "\udc80" if postback.conversion_key == "purchase:4" else "element"

    report = shop.enqueue(*[shop.desired(f"purchase:{number}") for number in range(1, 6)], render=render)
    assert report.actions == {Action.INSERT: 2, Action.REFUSED: 3}
    assert {refusal.conversion_key: refusal.reason for refusal in report.refusals} == {
        "purchase:2": "The click id is too long.",
        "purchase:3": "Rendering failed with ValueError.",
        "purchase:4": "The rendered element holds half a character (a lone surrogate).",
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"desired_value": Decimal("-1")}, "amount"),
        ({"desired_value": Decimal("NaN")}, "amount"),
        ({"currency": "gbp"}, "currency"),
        ({"event_name": "a\x00b"}, "event_name"),
        ({"expires_at": datetime(2026, 3, 1)}, "time zone"),
    ],
)
def test_a_malformed_row_is_refused(shop: Shop, change: dict[str, object], word: str) -> None:
    row: Desired = replace(shop.desired(), **change)  # type: ignore[arg-type]
    report = shop.enqueue(row)
    assert report.actions == {Action.REFUSED: 1}
    assert word in report.refusals[0].reason


def test_a_conversion_that_stands_twice_in_the_outbox_is_refused_the_second_time(shop: Shop) -> None:
    report = shop.enqueue(shop.desired(value="10.00"), shop.desired(value="11.00"))
    assert report.actions == {Action.INSERT: 1, Action.REFUSED: 1}
    assert shop.newest().value == Decimal("10.00")


def test_a_row_of_another_destination_stops_the_enqueue(shop: Shop) -> None:
    rows = [shop.desired("purchase:1"), shop.desired("purchase:2", destination="affiliate")]
    with pytest.raises(LedgerError, match="affiliate was enqueued for meta"):
        shop.enqueue(*rows)
    assert shop.history() == []


def test_an_enqueue_that_breaks_off_leaves_nothing_behind(shop: Shop) -> None:
    def broken() -> object:
        yield shop.desired("purchase:1")
        raise ConnectionError("the warehouse went away")

    with pytest.raises(ConnectionError):
        shop.ledger.enqueue("meta", broken(), rules=shop.rules, render=shop.render, guard=shop.guard)  # type: ignore[arg-type]
    assert shop.history() == []


def in_between(shop: Shop, act: Callable[[], object]) -> Callable[[Postback], str]:
    """A renderer during whose first call something else happens: after the ledger looked, before it writes."""
    acts = iter([act])

    def render(postback: Postback) -> str:
        next(acts, lambda: None)()
        return shop.render(postback)

    return render


def test_another_enqueue_that_gets_in_between_makes_this_one_stale(shop: Shop) -> None:
    row = shop.desired(value="10.00")
    report = shop.enqueue(row, render=in_between(shop, lambda: shop.report("9.00")))
    assert (report.actions, report.inserted) == ({Action.STALE: 1}, 0)
    assert [story.value for story in shop.stories()] == [Decimal("9.00")]


def test_a_worker_that_gets_in_between_is_waited_for(shop: Shop) -> None:
    shop.report("10.00")
    row = shop.desired(value="9.00")
    report = shop.enqueue(row, render=in_between(shop, shop.claim))
    assert (report.actions, report.inserted) == ({Action.WAITS: 1}, 0)
    assert shop.states() == [State.SENDING]


def test_an_outcome_that_gets_in_between_is_what_is_adjusted(shop: Shop) -> None:
    shop.report("10.00")
    row = shop.desired(value="9.00")
    report = shop.enqueue(row, render=in_between(shop, shop.send))
    assert (report.actions, report.kinds) == ({Action.INSERT: 1}, {Kind.RESTATEMENT: 1})
    assert (shop.newest().previous_value, shop.claim()[0].element) == (
        Decimal("10.00"),
        "purchase:1.2 restatement 9.00 ",
    )


class RowByRow(RowsInMemory):
    """Each whole row in a list of its own."""

    def rows(self, keys: Collection[str]) -> Iterator[list[Desired]]:
        for rows in super().rows(keys):
            yield from ([row] for row in rows)


def test_what_stands_twice_in_the_outbox_is_planned_once_also_when_it_is_planned_anew(shop: Shop) -> None:
    shop.report("10.00")
    outbox = RowByRow("meta", [shop.desired(value="9.00"), shop.desired(value="8.00")])
    render = in_between(shop, shop.send)
    report = shop.ledger.enqueue("meta", outbox, rules=shop.rules, render=render, guard=shop.guard)
    assert report.actions == {Action.INSERT: 1, Action.REFUSED: 1}
    assert [story.value for story in shop.stories()] == [Decimal("10.00"), Decimal("9.00")]


def test_what_a_person_cancelled_stays_so_until_the_value_changes(shop: Shop) -> None:
    shop.report("10.00")
    shop.ledger.cancel(Selection(conversion_keys=["purchase:1"]), actor="ann", reason="test order")
    assert shop.report("10.00").actions == {Action.KNOWN: 1}
    assert shop.report("11.00").kinds == {Kind.CONVERSION: 1}
