"""What goes into the ledger and what comes out of it: frozen values for workers, enqueue and the orchestrator.

What there is one of per postback is a named tuple: made in a third of the time that a frozen dataclass takes.

Belongs here: the values of the machine's side of the API. Does not belong here: what people ask and are told
(`stories`), how any of it is stored (`schema`). Every `datetime` is timezone-aware UTC, every amount a `Decimal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from postback_pipeline.model import Kind, Outcome, Phase, State


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """What tells one ledger from another; the warehouse remembers it."""

    ledger_id: str
    environment: str
    created_at: datetime


class Action(StrEnum):
    """What enqueue did about one row of the outbox."""

    INSERT = "insert"
    """A new revision was written."""
    REPLACE = "replace"
    """The newest revision had not left: it was superseded by a new one."""
    CANCEL = "cancel"
    """The newest revision had not left and what should be believed went back to what is reported."""
    KNOWN = "known"
    """The ledger holds this already."""
    STALE = "stale"
    """Computed against another revision than the newest one, or at another rate of exchange than the one that was
    settled since; the next build sees it."""
    WAITS = "waits"
    """The newest revision is being sent or its fate is unknown: the receiver may know it."""
    UNSUPPORTED = "unsupported"
    """The receiver takes no postback of the kind that this would need."""
    NOTHING = "nothing"
    """Nothing was reported and nothing should be, or the difference to what is reported is none."""
    REFUSED = "refused"
    """The row is malformed or its element cannot be rendered; `EnqueueReport.refusals` says why."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One postback that an enqueue writes (or, in a dry run, would write)."""

    conversion_key: str
    event_name: str
    revision: int
    kind: Kind
    value: Decimal
    previous_value: Decimal | None
    currency: str
    reason_code: str
    #: PENDING, or HELD until the receiver processed the postback it adjusts.
    state: State
    due_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row of the outbox could not become a postback. Free of personal data."""

    conversion_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An enqueue that was too large or retracted too much and waits for a person, by number."""

    id: int
    destination: str
    #: What the person is asked to let through.
    postbacks: int
    retractions: int
    reason: str
    created_at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class EnqueueReport:
    """What one enqueue did, or would do: every row of the outbox is in exactly one of `actions`.

    Where the guard stopped it, `actions` still says what it would have done; `stopped_by` says that it did not.
    """

    destination: str
    dry_run: bool
    actions: Mapping[Action, int]
    #: New postbacks by kind. Empty where the guard stopped the enqueue.
    kinds: Mapping[Kind, int]
    #: The first refused rows; `actions[Action.REFUSED]` counts them all.
    refusals: tuple[Refusal, ...] = ()
    #: Set where the guard stopped it: nothing was written. In a dry run its id is 0 unless one waits already.
    stopped_by: Approval | None = None
    #: Dry run only: the postbacks that would be written, guard or not.
    planned: tuple[Planned, ...] = ()
    #: Dry run only: keys of the conversions whose newest postback would be cancelled without a new one.
    cancelled: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the outbox that were looked at."""
        return sum(self.actions.values())

    @property
    def inserted(self) -> int:
        """New postbacks."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Peeked:
    """A postback with its element, for showing the request that would leave, or left."""

    postback_id: int
    kind: Kind
    #: As in `Claim`.
    key: str
    element: str = field(repr=False)


class Claim(NamedTuple):
    """One postback that its holder, and nobody else, may send until `lease_until`."""

    postback_id: int
    destination: str
    conversion_key: str
    kind: Kind
    #: The frozen element, and the key that stays the same on every attempt (`Postback.key`).
    element: str
    key: str
    #: Fencing token: unique per claim, checked when the outcome is recorded.
    token: str
    #: Number of this attempt, from 1.
    attempt: int
    due_at: datetime
    #: It must not leave later: the receiver's window closes, or it forgets an earlier attempt of unknown fate. None: no
    #: limit.
    expires_at: datetime | None
    lease_until: datetime
    #: PENDING or RETRY: where a release puts it back.
    claimed_from: State
    owner: str
    #: Whether the attempt counts in the budget: the further ones after a batch was refused as a whole do not.
    counts: bool = True

    def __repr__(self) -> str:
        """Without the element, which may hold personal data."""
        return f"Claim(postback_id={self.postback_id}, key={self.key!r}, attempt={self.attempt})"


class Result(NamedTuple):
    """How the attempt of one claim ended. Where the configuration is at fault: `Ledger.release`, and pause."""

    postback_id: int
    token: str
    #: For a receiver's "duplicate": ACCEPTED with `duplicate`; the ledger decides whether that is so.
    outcome: Outcome
    finished_at: datetime
    #: REJECTED only: False for a documented "not now, and not processed" (429, 503).
    final: bool = True
    #: The receiver says it has this already.
    duplicate: bool = False
    #: A receiver's code or our own short word. Free of personal data and secrets.
    reason: str = ""
    #: How far the attempt got; None where none was made.
    phase: Phase | None = None
    http_status: int | None = None
    #: The first bytes of the reply, redacted, at most 2 KiB; what is longer is cut.
    reply_head: str | None = None
    #: The receiver wants no further attempt before this instant.
    retry_after: datetime | None = None
    #: Of an acceptance by a receiver that judges later: by what it is asked.
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A receipt whose verdict should be asked for, and how many postbacks were accepted under it."""

    receipt_id: int
    receipt: str
    postbacks: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a group of results, and where their destination stands since: other workers and people moved it.

    A worker that goes by it hears of another one's 429, of an open breaker and of a pause within one group.
    """

    #: Results that came after their lease was lost: noted, they changed no state.
    late: int = 0
    paused: bool = False
    #: Nothing leaves before this instant; None or past: it may.
    not_before: datetime | None = None
    #: How often in a row the breaker opened; 0: it is closed.
    trips: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """What a destination's queue asks for now."""

    #: Postbacks that a drain could work on now: due ones, those whose worker's lease ran out, and held ones that wait
    #: for no verdict any more or whose window closed. Counted also while the destination is paused, zero while it is
    #: postponed.
    count: int
    oldest_due_at: datetime | None
    #: The next instant at which something becomes due; None if nothing will by itself.
    next_due_at: datetime | None
    paused: bool
    #: The mark that the machine's own pause was made with (see `Ledger.resume_if_changed`); None: a person's, or none.
    pause_mark: str | None = None
    #: Some drain of it was seen within the last seconds (`drains.BEAT_LAPSE`).
    working: bool = False
    #: As in `Recorded`.
    trips: int = 0
    #: Why it is paused, or was put off last, in the words of whoever did so.
    reason: str | None = None
    #: Receipts whose later verdict should be asked for now; also where nothing is due. Zero while it is postponed.
    inquiries: int = 0
