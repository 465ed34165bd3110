"""What an enqueue is going to write about one row of the outbox.

Belongs here: the plan of one row, and the same plan as a postback to render, as a row to insert, as a line to show.
Does not belong here: which action it is (`decision`), carrying it out (`enqueue`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from postback_pipeline.ledger.columns import FOREVER, amount_text, instant_text, names_text, rate_text
from postback_pipeline.ledger.decision import Decision, Known
from postback_pipeline.ledger.values import Action, Planned
from postback_pipeline.model import Desired, Facts, Kind, Postback, State

ORIGIN = "enqueue"

#: A new revision's values, as they are stored, in the order of `COLUMNS`.
TableRow: TypeAlias = tuple[str | int | None, ...]

COLUMNS = (
    "destination",
    "conversion_key",
    "event_name",
    "revision",
    "kind",
    "value",
    "previous_value",
    "currency",
    "fingerprint",
    "reason_code",
    "receiver_event",
    "event_id",
    "transaction_id",
    "action_at",
    "event_time",
    "click_id",
    "clicked_at",
    "identifiers",
    "definition_version",
    "exchange_rate",
    "parent_id",
    "origin",
    "element",
    "element_hash",
    # Where it stands at first.
    "state",
    "reason",
    "expires_at",
    # The first moment it may leave; None: at once.
    "not_before",
)
_KIND, _STATE = COLUMNS.index("kind"), COLUMNS.index("state")
#: The same as the tables take it, after the id.
POSTBACK_COLUMNS = (*COLUMNS[:_STATE], "created_at")
STANDING_COLUMNS = ("destination", *COLUMNS[_STATE:-1], "due_at", "changed_at")
_FOREVER = instant_text(FOREVER)


class Written(NamedTuple):
    """A new revision as the tables take it, each without the id."""

    postback: TableRow
    standing: TableRow


class TakenBack(NamedTuple):
    """The newest revision of a conversion, which must not leave any more."""

    postback_id: int
    becomes: State
    reason: str


@dataclass(slots=True)
class Plan:
    """A row of the outbox, what the ledger held when it was decided about, and the decision."""

    desired: Desired
    known: Known
    decision: Decision
    #: The new revision's facts: the outbox's, or those that an earlier revision settled.
    facts: Facts
    #: Empty until rendered.
    element: str = ""

    @property
    def inserts(self) -> bool:
        """Whether there will be a new revision."""
        return self.decision.action in (Action.INSERT, Action.REPLACE)

    def taken_back(self) -> TakenBack | None:
        """The postback that gives way to this one, or to nothing."""
        if self.decision.action not in (Action.REPLACE, Action.CANCEL) or self.known.newest is None:
            return None
        becomes = State.SUPERSEDED if self.inserts else State.CANCELLED
        return TakenBack(self.known.newest.id, becomes, self.desired.reason_code)

    def postback(self) -> Postback:
        """The new revision, for rendering."""
        desired, decision = self.desired, self.decision
        return Postback(
            destination=desired.destination,
            conversion_key=desired.conversion_key,
            event_name=desired.event_name,
            revision=decision.revision,
            kind=decision.kind,
            value=desired.desired_value,
            previous_value=decision.previous_value,
            currency=desired.currency,
            facts=self.facts,
            # The outbox has emptied it already; what must not leave is not left to one place.
            person={} if desired.keys_only else desired.person,
            consent=desired.consent,
        )

    def planned(self, now: datetime) -> Planned:
        """The new revision, for people."""
        return Planned(
            conversion_key=self.desired.conversion_key,
            event_name=self.desired.event_name,
            revision=self.decision.revision,
            kind=self.decision.kind,
            value=self.desired.desired_value,
            previous_value=self.decision.previous_value,
            currency=self.desired.currency,
            reason_code=self.desired.reason_code,
            state=self.decision.state,
            due_at=max(now, self.desired.not_before or now),
            expires_at=self.desired.expires_at,
        )

    def row(self) -> TableRow:
        """The new revision, for the table; the person's attributes are in the element or nowhere."""
        desired, decision, facts = self.desired, self.decision, self.facts
        return (
            desired.destination,
            desired.conversion_key,
            desired.event_name,
            decision.revision,
            decision.kind.value,
            amount_text(desired.desired_value),
            None if decision.previous_value is None else amount_text(decision.previous_value),
            desired.currency,
            desired.fingerprint,
            desired.reason_code,
            facts.receiver_event,
            facts.event_id,
            facts.transaction_id,
            instant_text(facts.action_at),
            instant_text(facts.event_time),
            facts.click_id,
            None if facts.clicked_at is None else instant_text(facts.clicked_at),
            names_text(facts.identifiers),
            facts.definition_version,
            None if facts.exchange_rate is None else rate_text(facts.exchange_rate),
            decision.parent_id,
            ORIGIN,
            self.element,
            hashlib.sha256(self.element.encode()).hexdigest(),
            decision.state.value,
            desired.reason_code,
            _FOREVER if desired.expires_at is None else instant_text(desired.expires_at),
            None if desired.not_before is None else instant_text(desired.not_before),
        )


def kind_of(row: TableRow) -> Kind:
    """The kind of a new revision."""
    return Kind(str(row[_KIND]))


def written_at(row: TableRow, now: str) -> Written:
    """The row as it is stored if it is written now, an instant's text."""
    not_before = row[-1]
    due_at = not_before if isinstance(not_before, str) and not_before > now else now
    return Written((*row[:_STATE], now), (row[0], *row[_STATE:-1], due_at, now))
