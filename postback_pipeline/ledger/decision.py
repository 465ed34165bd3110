"""What enqueue does about one conversion: desired state against reported state, as a pure function.

Belongs here: the decision table. Does not belong here: reading or writing anything, rendering, the clock.

The *newest* revision is the last one the ledger holds of a conversion at a destination; the *baseline* is the newest
one that its receiver accepted, or else what the destination's own pixel reported.

    computed against another revision             stale
    newest pending, held, retry    same belief    known
                                   an unknown attempt    waits
                                   otherwise      replace, or cancel where the baseline says the same
    newest sending, unknown, parked               known if the same belief, else waits
    newest accepted, processed, rejected, expired known if the same belief, else against the baseline
    newest cancelled, superseded                  against the baseline; what a person cancelled stays so
    none                                          against the baseline

    (An insert is stale too where its value was exchanged at another rate than the settled one: `facts`.)

    against no baseline       zero: nothing;                        otherwise insert `conversion`
    against a baseline        same: nothing (known if the pixel's); zero: insert `retraction`;
                              otherwise insert `restatement`; unsupported where the receiver cannot be told so
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import Action
from postback_pipeline.model import Desired, Kind, State

#: Has not left, or not for good; may still be taken back if no attempt's fate is unknown.
QUEUED_STATES = frozenset({State.PENDING, State.HELD, State.RETRY})
#: The receiver may know it.
OPEN_STATES = frozenset({State.SENDING, State.UNKNOWN, State.PARKED})
REPORTED_STATES = frozenset({State.ACCEPTED, State.PROCESSED})


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision in the ledger, as far as the decision needs it."""

    id: int
    revision: int
    kind: Kind
    state: State
    value: Decimal
    currency: str
    fingerprint: str
    unknown_attempts: int = 0
    #: Cancelled by a person rather than by enqueue.
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger holds of one conversion at one destination."""

    newest: Revision | None = None
    #: The newest revision that was accepted.
    accepted: Revision | None = None
    #: The newest revision that was ever claimed or accepted: its facts hold for all later ones.
    settled: Revision | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and with INSERT and REPLACE the new revision's own part."""

    action: Action
    kind: Kind = Kind.CONVERSION
    revision: int = 0
    previous_value: Decimal | None = None
    parent_id: int | None = None
    state: State = State.PENDING


def decide(desired: Desired, known: Known, rules: Rules) -> Decision:
    """The decision table above."""
    newest = known.newest
    if desired.computed_against != (newest.revision if newest else 0):
        return Decision(Action.STALE)
    if newest is None:
        return _against_baseline(desired, known, rules)
    if _same(desired, newest) and not _means_nothing(newest.state, newest.by_person):
        return Decision(Action.KNOWN)
    if newest.state in OPEN_STATES:
        return Decision(Action.WAITS)
    if newest.state in QUEUED_STATES:
        return _replace(desired, known, newest, rules)
    return _against_baseline(desired, known, rules)


def retracts(desired: Desired) -> bool:
    """Whether the receiver should believe that the conversion is worth nothing because of a reversing fact."""
    return belief(desired) is None


def belief(desired: Desired) -> str | None:
    """What a row of the outbox says, in short: its fingerprint, or None where it retracts."""
    return belief_of(desired.desired_value == 0, desired.zero_counts, desired.fingerprint)


def belief_of(is_zero: bool, zero_counts: bool, fingerprint: str) -> str | None:
    """`belief` of a row that is not read whole; `is_zero`: its desired value is."""
    return None if is_zero and not zero_counts else fingerprint


def _replace(desired: Desired, known: Known, newest: Revision, rules: Rules) -> Decision:
    if newest.unknown_attempts:
        return Decision(Action.WAITS)
    found = _against_baseline(desired, known, rules)
    replaced = {
        Action.INSERT: Action.REPLACE,
        # Either nothing was reported and nothing should be, or the report is right as it stands.
        Action.NOTHING: Action.CANCEL,
        Action.KNOWN: Action.CANCEL,
    }.get(found.action, found.action)
    return Decision(replaced, found.kind, found.revision, found.previous_value, found.parent_id, found.state)


def _against_baseline(desired: Desired, known: Known, rules: Rules) -> Decision:
    revision = 1 + (known.newest.revision if known.newest else 0)
    if known.accepted is not None:
        return _adjust(desired, known.accepted, revision, rules)
    if desired.pixel_reported_value is not None:
        return _adjust_pixel(desired, desired.pixel_reported_value, revision, rules)
    if retracts(desired):
        return Decision(Action.NOTHING)
    return Decision(Action.INSERT, Kind.CONVERSION, revision)


def _adjust(desired: Desired, accepted: Revision, revision: int, rules: Rules) -> Decision:
    if _same(desired, accepted):
        return Decision(Action.NOTHING)
    kind = Kind.RETRACTION if retracts(desired) else Kind.RESTATEMENT
    reinstates = accepted.kind is Kind.RETRACTION and kind is Kind.RESTATEMENT
    if not rules.adjusts(kind) or (reinstates and not rules.reinstatement):
        return Decision(Action.UNSUPPORTED)
    # In another currency nobody can say that it is less.
    is_less = desired.desired_value < accepted.value and desired.currency == accepted.currency
    if not (is_less or kind is Kind.RETRACTION or rules.increase):
        return Decision(Action.UNSUPPORTED)
    waits = rules.judges_later and accepted.state is not State.PROCESSED
    state = State.HELD if waits else State.PENDING
    return Decision(Action.INSERT, kind, revision, accepted.value, accepted.id, state)


def _adjust_pixel(desired: Desired, reported: Decimal, revision: int, rules: Rules) -> Decision:
    if desired.desired_value == reported:
        return Decision(Action.KNOWN)
    kind = Kind.RETRACTION if retracts(desired) else Kind.RESTATEMENT
    if not rules.adjusts_pixel or not rules.adjusts(kind):
        return Decision(Action.UNSUPPORTED)
    if desired.desired_value > reported and not rules.increase:
        return Decision(Action.UNSUPPORTED)
    return Decision(Action.INSERT, kind, revision, reported)


def _same(desired: Desired, held: Revision) -> bool:
    """Whether both say the same. Amounts are compared too: what was imported has no fingerprint of the warehouse's."""
    if retracts(desired) or held.kind is Kind.RETRACTION:
        return retracts(desired) and held.kind is Kind.RETRACTION
    return desired.fingerprint == held.fingerprint or (
        desired.desired_value == held.value and desired.currency == held.currency
    )


def _means_nothing(state: State, by_person: bool) -> bool:
    """Whether the newest revision stands for no belief at all."""
    return state is State.SUPERSEDED or (state is State.CANCELLED and not by_person)


#: Kind, state and `by_person` of a newest revision that stands for its fingerprint: a row that was computed against it
#: and has the same fingerprint as its `belief` is KNOWN, by the table above.
STANDS = frozenset(
    (kind, state, by_person)
    for kind in (Kind.CONVERSION, Kind.RESTATEMENT)
    for state in State
    for by_person in (False, True)
    if not _means_nothing(state, by_person)
)
