"""What people ask the ledger and what they are told: frozen values of the commands.

Belongs here: selections, reports and stories. Does not belong here: what workers exchange with the ledger (`values`).
Nothing here holds a payload. Every `datetime` is timezone-aware UTC, every amount a `Decimal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from postback_pipeline.ledger.values import Approval, LedgerIdentity
from postback_pipeline.model import Kind, Outcome, State


@dataclass(frozen=True, slots=True)
class Selection:
    """Which postbacks a command is about: all given conditions hold; at least one must be given."""

    ids: Sequence[int] = ()
    conversion_keys: Sequence[str] = ()
    destination: str | None = None
    states: Sequence[State] = ()
    event_name: str | None = None
    #: The reason of the last change, such as `attempts_exhausted`.
    reason: str | None = None
    #: Created at or after, and before, these instants.
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A selected postback that the command left alone, and why."""

    postback_id: int
    conversion_key: str
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class CommandReport:
    """What a person's command did."""

    #: Ids of the postbacks it changed or, for a forced replay of accepted ones, wrote.
    changed: tuple[int, ...] = ()
    #: Ids of the selected postbacks that it was done to: those changed and, for a forced replay, the accepted ones.
    acted_on: tuple[int, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    #: SHA-256 of `acted_on` and the states they were found in: the same only where it is done to the very same.
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a previous sender already reported about one conversion, and its receiver accepted."""

    destination: str
    conversion_key: str
    event_name: str
    value: Decimal
    currency: str
    transaction_id: str
    event_time: datetime
    click_id: str | None = None
    #: Identifier name (`gclid` ...) -> value.
    identifiers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    inserted: int
    #: Rows about conversions that the ledger knows at that destination already; left as they are.
    known: int


@dataclass(frozen=True, slots=True)
class StateCount:
    """Postbacks in one state at one destination."""

    count: int
    #: When the one that is longest in this state entered it; None for final states, where there may be millions.
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class DrainStatus:
    """A drain that works for a destination now, as far as its last sign tells."""

    owner: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class DestinationStatus:
    """One destination's queue."""

    destination: str
    states: Mapping[State, StateCount]
    #: Due now, and since when the oldest of them is.
    due: int
    oldest_due_at: datetime | None
    paused: bool
    pause_reason: str | None
    paused_by: str | None
    paused_at: datetime | None
    #: The machine's own pause, which ends by itself when what it stumbled over was changed.
    ends_by_itself: bool
    #: Nothing leaves before this instant (the receiver asked to wait, or it failed too often), and why.
    not_before: datetime | None
    postpone_reason: str | None
    #: How often in a row the breaker opened; above zero, a single postback goes first to try.
    trips: int
    #: From when the rate has turns left; None where there is no rate, or none was taken yet.
    next_turn_at: datetime | None
    drains: tuple[DrainStatus, ...]


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """Everything at a glance."""

    identity: LedgerIdentity
    at: datetime
    destinations: tuple[DestinationStatus, ...]
    #: Enqueues that wait for a person.
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class AttemptStory:
    """One try to send."""

    number: int
    owner: str
    started_at: datetime
    finished_at: datetime | None
    #: None while it is under way.
    outcome: Outcome | None
    duplicate: bool
    phase: str | None
    http_status: int | None
    reason: str | None
    reply_head: str | None
    retry_after: datetime | None
    #: It was reported after its lease was lost: it changed no state.
    stale: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state."""

    seq: int
    at: datetime
    from_state: State | None
    to_state: State
    attempt: int | None
    outcome: Outcome | None
    phase: str | None
    http_status: int | None
    reason: str | None
    actor: str


@dataclass(frozen=True, slots=True)
class Story:
    """All about one postback, save its payload."""

    postback_id: int
    destination: str
    conversion_key: str
    event_name: str
    revision: int
    kind: Kind
    value: Decimal
    previous_value: Decimal | None
    currency: str
    reason_code: str
    receiver_event: str
    event_id: str | None
    transaction_id: str
    action_at: datetime
    event_time: datetime
    click_id: str | None
    clicked_at: datetime | None
    #: Names of the identifiers it carries; the values are the receiver's and the warehouse's business.
    identifiers: tuple[str, ...]
    definition_version: str
    #: None: the value stands in the conversion's own currency.
    exchange_rate: Decimal | None
    state: State
    reason: str | None
    created_at: datetime
    changed_at: datetime
    due_at: datetime
    expires_at: datetime | None
    #: SHA-256 of the frozen element; stays when the element is erased.
    element_hash: str
    element_erased: bool
    attempts: tuple[AttemptStory, ...]
    history: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection finds."""

    count: int
    #: Of the newest ones, oldest first, as many as were asked for.
    stories: tuple[Story, ...]
