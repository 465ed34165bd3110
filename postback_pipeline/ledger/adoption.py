"""Taking on a ledger that was restored from an older backup: what waits in it may have been sent since.

Belongs here: what becomes of the postbacks that were queued. Does not belong here: noticing it (`mark`), postbacks that
were enqueued after the backup (the ledger has never heard of them), those that were being sent when it was made: their
leases lapse, and the sweep parks or resends them by the same rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, false, func, select, true

from postback_pipeline.ledger.decision import QUEUED_STATES
from postback_pipeline.ledger.moves import move
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.ledger.selections import log_action
from postback_pipeline.model import State

RESTORED = "restored"

_P, _S = postbacks.c, standings.c


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an adoption did; postbacks by destination."""

    #: Left to a person, one by one or by selection: nobody but the receiver knows whether it has them.
    parked: Mapping[str, int]
    #: Still due: the receiver drops what it has already.
    left: Mapping[str, int]


def adopt(connection: Connection, rules: Mapping[str, Rules], *, actor: str, reason: str, now: datetime) -> Adopted:
    """Parks what was queued, with reason `restored`, save where its receiver deduplicates on our key for long enough.

    Destinations that `rules` does not name are taken for ones that do not. Repeating it changes nothing more.

    Raises:
        LedgerError: no actor or reason is given.
    """
    queued = _S.state.in_([state.value for state in QUEUED_STATES])
    counts = select(_S.destination, func.count()).where(queued).group_by(_S.destination).order_by(_S.destination)
    waiting: list[tuple[str, int]] = [(row[0], row[1]) for row in connection.execute(counts)]
    parked: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for destination, count in waiting:
        risky = (
            select(_S.id)
            .join(postbacks, _P.id == _S.id)
            .where(queued, _S.destination == destination, _may_be_taken_twice(rules.get(destination), now))
        )
        found = risky.order_by(_S.id).with_for_update(of=standings, key_share=True)
        ids: Sequence[int] = connection.execute(found).scalars().all()
        move(connection, ids, State.PARKED, reason=RESTORED, actor=actor, now=now)
        parked[destination], left[destination] = len(ids), count - len(ids)
    subject = f"{parked.total()} parked, {left.total()} left as they were"
    log_action(connection, "adopt", actor=actor, reason=reason, subject=subject, now=now)
    return Adopted(+parked, +left)


def _may_be_taken_twice(rules: Rules | None, now: datetime) -> ColumnElement[bool]:
    if rules is None or not rules.deduplicates:
        return true()
    if rules.dedup_window is None:
        return false()
    # It may have been sent as soon as it was there.
    return _P.created_at <= now - rules.dedup_window
