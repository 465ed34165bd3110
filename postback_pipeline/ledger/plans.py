"""What an enqueue is going to write about one row of the outbox.

Belongs here: the plan of one row, and the same plan as a postback to render, as a row to insert, as a line to show.
Does not belong here: which action it is (`decision`), carrying it out (`enqueue`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postback_pipeline.ledger.decision import Decision, Known
from postback_pipeline.ledger.facts import facts_columns
from postback_pipeline.ledger.values import Action, Planned
from postback_pipeline.model import Desired, Facts, Postback

ORIGIN = "enqueue"


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

    @property
    def takes_back(self) -> int | None:
        """The id of the postback that must not leave any more."""
        if self.decision.action not in (Action.REPLACE, Action.CANCEL) or self.known.newest is None:
            return None
        return self.known.newest.id

    def postback(self) -> Postback:
        """The new revision, for rendering."""
        return Postback(
            destination=self.desired.destination,
            conversion_key=self.desired.conversion_key,
            event_name=self.desired.event_name,
            revision=self.decision.revision,
            kind=self.decision.kind,
            value=self.desired.desired_value,
            previous_value=self.decision.previous_value,
            currency=self.desired.currency,
            facts=self.facts,
            # The outbox has emptied it already; what must not leave is not left to one place.
            person={} if self.desired.keys_only else self.desired.person,
            consent=self.desired.consent,
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
            due_at=self._due_at(now),
            expires_at=self.desired.expires_at,
        )

    def row(self, now: datetime) -> dict[str, Any]:
        """The new revision, for the table; the person's attributes are in the element or nowhere."""
        return {
            "destination": self.desired.destination,
            "conversion_key": self.desired.conversion_key,
            "event_name": self.desired.event_name,
            "revision": self.decision.revision,
            "kind": self.decision.kind.value,
            "value": self.desired.desired_value,
            "previous_value": self.decision.previous_value,
            "currency": self.desired.currency,
            "fingerprint": self.desired.fingerprint,
            "reason_code": self.desired.reason_code,
            **facts_columns(self.facts),
            "parent_id": self.decision.parent_id,
            "origin": ORIGIN,
            "created_at": now,
            "element": self.element,
            "element_hash": hashlib.sha256(self.element.encode()).hexdigest(),
            "state": self.decision.state.value,
            "reason": self.desired.reason_code,
            "changed_at": now,
            "due_at": self._due_at(now),
            "expires_at": self.desired.expires_at,
        }

    def _due_at(self, now: datetime) -> datetime:
        return max(now, self.desired.not_before or now)
