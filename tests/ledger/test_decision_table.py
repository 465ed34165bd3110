"""The decision table of enqueue as a pure function: every line of it, and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.ledger.decision import Decision, Known, Revision, decide
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import Action
from postback_pipeline.model import Desired, Facts, Kind, State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = Rules(restatement=True, retraction=True, reinstatement=True, adjusts_pixel=True)
FACTS = Facts("Purchase", None, "1", NOON, NOON, None, None)


def desired(value: str, *, against: int = 0, pixel: str | None = None, currency: str = "GBP") -> Desired:
    return Desired(
        destination="meta",
        conversion_key="purchase:1",
        event_name="purchase",
        desired_value=Decimal(value),
        currency=currency,
        fingerprint=f"{Decimal(value):.4f} {currency}",
        computed_against=against,
        reason_code="reported",
        facts=FACTS,
        pixel_reported_value=None if pixel is None else Decimal(pixel),
    )


def revision(
    state: State, value: str = "10", number: int = 1, *, unknown: int = 0, by_person: bool = False
) -> Revision:
    amount = Decimal(value)
    kind = (Kind.CONVERSION if number == 1 else Kind.RESTATEMENT) if amount else Kind.RETRACTION
    return Revision(number, number, kind, state, amount, "GBP", f"{amount:.4f} GBP", unknown, by_person)


def after(newest: Revision, accepted: Revision | None = None) -> Known:
    if newest.state in (State.ACCEPTED, State.PROCESSED):
        accepted = newest
    return Known(newest=newest, accepted=accepted, settled=accepted)


ACCEPTED = revision(State.ACCEPTED)

NO_BASELINE = [
    # newest, desired, action, kind
    (None, "0", Action.NOTHING, None),
    (None, "10", Action.INSERT, Kind.CONVERSION),
    (State.PENDING, "10", Action.KNOWN, None),
    (State.HELD, "10", Action.KNOWN, None),
    (State.RETRY, "10", Action.KNOWN, None),
    (State.PENDING, "8", Action.REPLACE, Kind.CONVERSION),
    (State.RETRY, "8", Action.REPLACE, Kind.CONVERSION),
    (State.PENDING, "0", Action.CANCEL, None),
    (State.RETRY, "0", Action.CANCEL, None),
    (State.SENDING, "10", Action.KNOWN, None),
    (State.SENDING, "8", Action.WAITS, None),
    (State.SENDING, "0", Action.WAITS, None),
    (State.UNKNOWN, "10", Action.KNOWN, None),
    (State.UNKNOWN, "8", Action.WAITS, None),
    (State.PARKED, "10", Action.KNOWN, None),
    (State.PARKED, "0", Action.WAITS, None),
    (State.REJECTED, "10", Action.KNOWN, None),
    (State.REJECTED, "8", Action.INSERT, Kind.CONVERSION),
    (State.REJECTED, "0", Action.NOTHING, None),
    (State.EXPIRED, "10", Action.KNOWN, None),
    (State.EXPIRED, "8", Action.INSERT, Kind.CONVERSION),
    (State.EXPIRED, "0", Action.NOTHING, None),
    (State.CANCELLED, "10", Action.INSERT, Kind.CONVERSION),
    (State.CANCELLED, "0", Action.NOTHING, None),
    (State.SUPERSEDED, "10", Action.INSERT, Kind.CONVERSION),
    (State.SUPERSEDED, "0", Action.NOTHING, None),
    (State.ACCEPTED, "10", Action.KNOWN, None),
    (State.ACCEPTED, "8", Action.INSERT, Kind.RESTATEMENT),
    (State.ACCEPTED, "0", Action.INSERT, Kind.RETRACTION),
    (State.PROCESSED, "10", Action.KNOWN, None),
    (State.PROCESSED, "8", Action.INSERT, Kind.RESTATEMENT),
    (State.PROCESSED, "0", Action.INSERT, Kind.RETRACTION),
]


@pytest.mark.parametrize(("state", "value", "action", "kind"), NO_BASELINE)
def test_with_at_most_one_revision(state: State | None, value: str, action: Action, kind: Kind | None) -> None:
    known = Known() if state is None else after(revision(state))
    found = decide(desired(value, against=0 if state is None else 1), known, ALL)
    assert found.action is action
    if kind is not None:
        assert (found.kind, found.revision) == (kind, 1 if state is None else 2)


AGAINST_TEN = [
    # newest (8 unless it is a retraction), desired, action, kind
    (State.PENDING, "8", "8", Action.KNOWN, None),
    (State.PENDING, "8", "10", Action.CANCEL, None),
    (State.PENDING, "8", "6", Action.REPLACE, Kind.RESTATEMENT),
    (State.HELD, "8", "0", Action.REPLACE, Kind.RETRACTION),
    (State.RETRY, "0", "8", Action.REPLACE, Kind.RESTATEMENT),
    (State.SENDING, "8", "10", Action.WAITS, None),
    (State.REJECTED, "8", "8", Action.KNOWN, None),
    (State.REJECTED, "8", "10", Action.NOTHING, None),
    (State.REJECTED, "8", "0", Action.INSERT, Kind.RETRACTION),
    (State.EXPIRED, "0", "0", Action.KNOWN, None),
    (State.EXPIRED, "0", "6", Action.INSERT, Kind.RESTATEMENT),
    (State.CANCELLED, "8", "10", Action.NOTHING, None),
    (State.CANCELLED, "8", "8", Action.INSERT, Kind.RESTATEMENT),
    (State.CANCELLED, "8", "0", Action.INSERT, Kind.RETRACTION),
]


@pytest.mark.parametrize(("state", "newest", "value", "action", "kind"), AGAINST_TEN)
def test_with_ten_accepted_before(state: State, newest: str, value: str, action: Action, kind: Kind | None) -> None:
    found = decide(desired(value, against=2), after(revision(state, newest, 2), ACCEPTED), ALL)
    assert found.action is action
    if kind is not None:
        assert (found.kind, found.revision, found.previous_value, found.parent_id) == (
            kind,
            3,
            Decimal(10),
            ACCEPTED.id,
        )


@pytest.mark.parametrize(
    ("value", "action", "kind"),
    [("10", Action.KNOWN, None), ("0", Action.INSERT, Kind.RETRACTION), ("8", Action.INSERT, Kind.RESTATEMENT)],
)
def test_with_ten_reported_by_the_pixel(value: str, action: Action, kind: Kind | None) -> None:
    found = decide(desired(value, pixel="10"), Known(), ALL)
    assert found.action is action
    if kind is not None:
        assert found == Decision(Action.INSERT, kind, 1, Decimal(10), None)


def test_an_adjustment_of_the_pixels_report_that_has_not_left_is_taken_back() -> None:
    waiting = after(replace(revision(State.PENDING, "8"), kind=Kind.RESTATEMENT))
    assert decide(desired("10", against=1, pixel="10"), waiting, ALL).action is Action.CANCEL


@pytest.mark.parametrize("state", [State.PENDING, State.RETRY, State.HELD])
def test_an_unknown_attempt_is_never_taken_back(state: State) -> None:
    known = after(revision(state, unknown=1))
    assert decide(desired("8", against=1), known, ALL).action is Action.WAITS
    assert decide(desired("10", against=1), known, ALL).action is Action.KNOWN


def test_the_currency_is_part_of_what_is_believed() -> None:
    assert decide(desired("10", against=1, currency="EUR"), after(ACCEPTED), ALL).kind is Kind.RESTATEMENT


def test_a_person_s_cancellation_holds_for_that_value() -> None:
    cancelled = after(revision(State.CANCELLED, by_person=True))
    assert decide(desired("10", against=1), cancelled, ALL).action is Action.KNOWN
    assert decide(desired("8", against=1), cancelled, ALL).action is Action.INSERT


def test_an_unsupported_value_leaves_what_waits_as_it_is() -> None:
    waiting = after(revision(State.PENDING, "8", 2), ACCEPTED)
    assert decide(desired("0", against=2), waiting, Rules(restatement=True)).action is Action.UNSUPPORTED


@pytest.mark.parametrize(
    ("told", "value", "currency", "action"),
    [
        ("10", "8", "GBP", Action.INSERT),
        ("10", "0", "GBP", Action.INSERT),
        ("10", "12", "GBP", Action.UNSUPPORTED),
        ("0", "8", "GBP", Action.UNSUPPORTED),
        ("10", "8", "EUR", Action.UNSUPPORTED),
        ("10", "10", "GBP", Action.KNOWN),
    ],
)
def test_a_receiver_that_can_be_told_less_only_is_told_no_more(
    told: str, value: str, currency: str, action: Action
) -> None:
    rules = replace(ALL, increase=False)
    accepted = revision(State.ACCEPTED, told, 1 if Decimal(told) else 2)
    assert decide(desired(value, against=accepted.revision, currency=currency), after(accepted), rules).action is action


@pytest.mark.parametrize(("value", "action"), [("12", Action.UNSUPPORTED), ("8", Action.INSERT), ("0", Action.INSERT)])
def test_what_its_pixel_reported_is_not_raised_either(value: str, action: Action) -> None:
    assert decide(desired(value, pixel="10"), Known(), replace(ALL, increase=False)).action is action


def test_an_adjustment_is_held_where_the_receiver_judges_later() -> None:
    rules = replace(ALL, judges_later=True)
    assert decide(desired("8", against=1), after(ACCEPTED), rules).state is State.HELD
    assert decide(desired("8", against=1), after(revision(State.PROCESSED)), rules).state is State.PENDING
    assert decide(desired("8"), Known(), rules).state is State.PENDING


values = st.sampled_from(["0", "0.01", "8", "10"])
revisions = st.builds(
    revision, st.sampled_from(State), values, st.just(2), unknown=st.integers(0, 1), by_person=st.booleans()
)
knowns = st.one_of(
    st.just(Known()),
    st.builds(after, revisions, st.one_of(st.none(), st.builds(revision, st.just(State.ACCEPTED), values))),
)
rules = st.builds(
    Rules,
    restatement=st.booleans(),
    retraction=st.booleans(),
    reinstatement=st.booleans(),
    increase=st.booleans(),
    adjusts_pixel=st.booleans(),
    judges_later=st.booleans(),
)


@given(knowns, values, st.one_of(st.none(), values), rules)
def test_whatever_is_held_and_wanted_the_decision_makes_sense(
    known: Known, value: str, pixel: str | None, rules: Rules
) -> None:
    against = known.newest.revision if known.newest else 0
    found = decide(desired(value, against=against, pixel=pixel), known, rules)
    assert decide(desired(value, against=against + 1, pixel=pixel), known, rules).action is Action.STALE
    writes = found.action in (Action.INSERT, Action.REPLACE)
    if writes:
        assert found.revision == against + 1
        assert rules.adjusts(found.kind)
        # A first report has nothing before it; an adjustment names what it adjusts.
        assert (found.kind is Kind.CONVERSION) == (found.previous_value is None)
        assert (found.kind is Kind.RETRACTION) == (Decimal(value) == 0)
        assert found.parent_id == (known.accepted.id if known.accepted else None)
        if found.previous_value is not None:
            assert rules.increase or Decimal(value) < found.previous_value
    if found.action in (Action.REPLACE, Action.CANCEL):
        assert known.newest is not None
        assert known.newest.state in (State.PENDING, State.HELD, State.RETRY)
        assert known.newest.unknown_attempts == 0
    if known.newest is not None and known.newest.state in (State.SENDING, State.UNKNOWN, State.PARKED):
        assert not writes
    if writes:
        # Enqueueing the same once more, when the new revision is there, changes nothing.
        fingerprint = f"{Decimal(value):.4f} GBP"
        new = Revision(9, found.revision, found.kind, found.state, Decimal(value), "GBP", fingerprint)
        later = Known(newest=new, accepted=known.accepted)
        assert decide(desired(value, against=new.revision, pixel=pixel), later, rules).action is Action.KNOWN
