"""The words of the system as frozen values and enums; standard library only.

Belongs here: what a conversion, a postback, an attempt and an outcome *are*. Does not belong here: any rule about
them (conversions and decisions live in dbt, receivers' rules in their adapter, delivery states in the ledger).

Every `datetime` here is timezone-aware UTC; every amount is a `Decimal` in major units of its currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class PostbackError(Exception):
    """A failure that a user can act on. Its text is a whole sentence and is shown without a traceback."""


class Kind(StrEnum):
    """What a postback tells its receiver about a conversion."""

    CONVERSION = "conversion"
    """It happened and is worth this much."""
    RESTATEMENT = "restatement"
    """It is worth another amount above zero than what was reported."""
    RETRACTION = "retraction"
    """It is worth nothing: an explicit reversing fact took all of it back."""


class Outcome(StrEnum):
    """How one attempt ended. There is no fifth outcome."""

    ACCEPTED = "accepted"
    """The receiver's documented acceptance was parsed from its reply."""
    REJECTED = "rejected"
    """The receiver said no: for good, or not now (429, 503): the attempt's reason and delay tell which."""
    NOT_SENT = "not_sent"
    """We have our own proof that no byte of the request left this machine."""
    UNKNOWN = "unknown"
    """Everything else: the receiver may or may not have taken it."""


class State(StrEnum):
    """Where a postback stands in the ledger; every change appends a row to the ledger's history."""

    PENDING = "pending"
    """Entered by enqueue, by a person's replay or resend, from `held` once the parent was processed, and by the release
    of a claim that was made of it. Left by a claim (`sending`); by a newer desired value (`superseded`, `cancelled`) or
    a person (`cancelled`), unless an attempt's fate is unknown; when the receiver's window closes (`expired`, or
    `parked` if an attempt's fate is unknown); when a restored ledger is adopted (`retry`, `parked`)."""
    HELD = "held"
    """Entered by enqueue when the parent must be processed first. Left by the ledger's sweep once it was (`pending`),
    never will be (`cancelled`), nobody will say whether it was (`parked`), or the receiver's window closed (`expired`);
    by a newer desired value (`superseded`, `cancelled`) or a person (`cancelled`); when a restored ledger is adopted
    (`parked`)."""
    SENDING = "sending"
    """Entered by a worker's claim, durable before the first byte leaves. Left when the holder of the claim's token
    records an outcome, or releases it (`pending` or `retry`, as before); by the sweep when the lease ran out (then the
    attempt is `unknown`). Where a batch was refused as a whole, its holder leaves and enters it again through `retry`
    in one transaction."""
    ACCEPTED = "accepted"
    """Entered by a recorded acceptance, by a person, or by an import; once more, with reason `unconfirmed: ...`, where
    the receiver will not say whether it processed it. Left only by the later verdict of a receiver that judges
    asynchronously: towards `processed`, or `rejected`."""
    PROCESSED = "processed"
    """Entered by the receiver's asynchronous verdict. Final."""
    REJECTED = "rejected"
    """Entered by the receiver's final no, at once or as its later verdict, or by a person. Left only by a person's
    replay; a changed value makes a new revision."""
    RETRY = "retry"
    """Entered after `not_sent`, a "not now", or an `unknown` that may be resent; by the release of a claim that was
    made of it; when a restored ledger is adopted. Due again at `due_at`, then claimed like `pending`. Left as `pending`
    is, and for `parked` where the receiver no longer recognises an attempt whose fate is unknown."""
    UNKNOWN = "unknown"
    """Entered when an attempt's fate is unknown and it is being decided what may be done. Left for `retry` where the
    receiver deduplicates on our key, for `parked` elsewhere."""
    PARKED = "parked"
    """Entered when nobody but a person can tell what the receiver believes: an attempt's fate is unknown and it may not
    be resent (no deduplication, its window or the receiver's closed, the budget is spent), a "duplicate" we cannot
    explain (reason `conflict`), an adjustment of what nobody confirms (reason `parent_unconfirmed`), or a restored
    ledger that was adopted (reason `restored`). Left by a person."""
    SUPERSEDED = "superseded"
    """Entered by enqueue when a newer desired value replaced one that never left. Final."""
    CANCELLED = "cancelled"
    """Entered by enqueue when what should be believed went back to what was reported, by a person, or by the sweep
    where it was held for a parent that is not accepted any more. Left only by a person's replay."""
    EXPIRED = "expired"
    """Entered when the receiver's window closed or the budget of attempts was spent before it was taken. Left only by a
    person's replay."""


class Resolution(StrEnum):
    """What a person found out about a parked postback."""

    ACCEPTED = "accepted"
    """The receiver has it."""
    REJECTED = "rejected"
    """The receiver does not have it and shall not get it."""
    RESEND = "resend"
    """The receiver does not have it: send it again."""


class Later(StrEnum):
    """What a receiver that judges later says about what it accepted."""

    PENDING = "pending"
    """Not judged yet."""
    NOT_FOUND = "not_found"
    """It knows nothing of what it is asked by: not yet, or not any more."""
    PROCESSED = "processed"
    """All were processed."""
    REJECTED = "rejected"
    """None was."""
    UNCONFIRMED = "unconfirmed"
    """Nobody will know of each: some were and some were not, and it does not say which; or 14 days went by with no
    answer but that it is not judged yet, or not known."""


class Phase(StrEnum):
    """How far one attempt got, by what the client did and saw itself."""

    RESOLVING = "resolving"
    """Asking for the host's address, and before."""
    CONNECTING = "connecting"
    TLS = "tls"
    """The connection stands; shaking hands."""
    WRITING = "writing"
    """Bytes of the request were handed to the operating system; not all of them."""
    WRITTEN = "written"
    """All were. What arrived is not known before the reply."""
    HEAD = "head"
    """A byte of the reply came."""
    BODY = "body"
    """The reply's head came whole."""
    DONE = "done"
    """The reply came whole."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a conversion's postbacks share: fixed for all later revisions once one of them was claimed."""

    #: The event's name at the receiver, from the route.
    receiver_event: str
    #: The event id shared with the receiver's tag, where the route deduplicates against it.
    event_id: str | None
    #: The source's own id of the order, lead ...: the receiver's transaction id.
    transaction_id: str
    #: When the person acted, and the time reported to the receiver. UTC.
    action_at: datetime
    event_time: datetime
    #: Our id of the click it was matched to, and its time. None where the match is by identity or a stored id.
    click_id: str | None
    clicked_at: datetime | None
    #: Identifier name (`gclid`, `irclickid` ...) -> value, only those the route accepts.
    identifiers: Mapping[str, str] = field(default_factory=dict)
    #: Fingerprint of the conversion definition and route that decided.
    definition_version: str = ""
    #: Value sent = value of the conversion x this, up to rounding; above zero, at most 12 decimals. None where the
    #: value stands in the conversion's own currency.
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """One row of `outbox.postbacks`: what a destination should believe about one conversion now."""

    destination: str
    conversion_key: str
    event_name: str
    #: The new total, rounded to the currency's minor unit. Zero: by an explicit reversing fact (but see `zero_counts`).
    desired_value: Decimal
    currency: str
    #: Names value and currency; equal fingerprints mean equal beliefs.
    fingerprint: str
    #: The newest revision the warehouse's copy of the ledger knew; 0 for none.
    computed_against: int
    #: Why: the decision's reason code.
    reason_code: str
    facts: Facts
    #: What the destination's own pixel already reported, where that counts as reported for adjustments.
    pixel_reported_value: Decimal | None = None
    #: The first and last instant at which the receiver takes it. UTC; None for no limit.
    not_before: datetime | None = None
    expires_at: datetime | None = None
    #: A desired value of zero is a worth like any other (a lead, a trial), not a reversal.
    zero_counts: bool = False
    #: Personal attributes (`email`, `phone`, `ip`, `user_agent`, `page_url` ...) in clear. They reach the rendered
    #: element only, hashed where the receiver's rules say so, and are stored nowhere else.
    person: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Purpose (`ad_user_data` ...) -> `granted`, `denied` or `unknown`, only those that the route asks for. It is as it
    #: stands now, no settled fact, and like `person` it reaches the rendered element only.
    consent: Mapping[str, str] = field(default_factory=dict)
    #: Consent was withdrawn, or the route strips without it: an adjustment carries transaction keys only. The row's own
    #: identifiers hold nothing else any more; of those that an earlier revision settled, only the same names are kept.
    keys_only: bool = False


def postback_key(conversion_key: str, revision: int) -> str:
    """What a receiver knows a postback by: stable over all of its retries, different for every revision."""
    return f"{conversion_key}.{revision}"


@dataclass(frozen=True, slots=True)
class Postback:
    """One message to one destination about one conversion, before it is rendered."""

    destination: str
    conversion_key: str
    event_name: str
    revision: int
    kind: Kind
    #: The new total; the last total the receiver accepted (None for a first report).
    value: Decimal
    previous_value: Decimal | None
    currency: str
    facts: Facts
    person: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: As `Desired.consent`.
    consent: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """As `postback_key`."""
        return postback_key(self.conversion_key, self.revision)

    @property
    def delta(self) -> Decimal:
        """The new total less what was accepted before."""
        return self.value - (self.previous_value or Decimal(0))
