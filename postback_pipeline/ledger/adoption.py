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
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, true

from postback_pipeline.ledger.decision import QUEUED_STATES
from postback_pipeline.ledger.moves import move
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.ledger.selections import log_action
from postback_pipeline.model import State

RESTORED = "restored"

_P, _S = postbacks.c, standings.c

#: An attempt that the ledger has forgotten, made as soon as it could be.
_ONE_MORE_UNKNOWN: dict[str, Any] = {
    "unknown_attempts": _S.unknown_attempts + 1,
    "round_attempts": _S.round_attempts + 1,
    "round_unknown": _S.round_unknown + 1,
    "round_started_at": func.coalesce(
        _S.round_started_at, select(_P.created_at).where(_P.id == _S.id).scalar_subquery()
    ),
}


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an adoption did; postbacks by destination."""

    #: Left to a person, one by one or by selection: nobody but the receiver knows whether it has them.
    parked: Mapping[str, int]
    #: Sent again in case they were not sent: the receiver drops what it has already.
    left: Mapping[str, int]


def adopt(connection: Connection, rules: Mapping[str, Rules], *, actor: str, reason: str, now: datetime) -> Adopted:
    """Takes all that was queued for sent since, its fate unknown.

    It is parked, with reason `restored`, save where its receiver deduplicates on our key for long enough: there it is
    to be retried while that lasts. Destinations that `rules` does not name are taken for ones that do not. What was
    held is parked: its parent may have been processed since. Repeating it changes nothing more.

    Raises:
        LedgerError: no actor or reason is given.
    """
    queued = _S.state.in_([state.value for state in QUEUED_STATES])
    names = select(_S.destination).where(queued).distinct().order_by(_S.destination)
    parked: Counter[str] = Counter()
    left: Counter[str] = Counter()
    destinations: Sequence[str] = connection.execute(names).scalars().all()
    for destination in destinations:
        waiting = (
            select(_S.id, _S.round_unknown, _may_be_taken_twice(rules.get(destination), now).label("risky"))
            .join(postbacks, _P.id == _S.id)
            .where(queued, _S.destination == destination)
            .order_by(_S.id)
            .with_for_update(of=standings, key_share=True)
        )
        rows = connection.execute(waiting).all()
        risky = [row.id for row in rows if row.risky]
        move(connection, risky, State.PARKED, reason=RESTORED, actor=actor, now=now)
        # What has an attempt of unknown fate is treated so already.
        others = [row.id for row in rows if not row.risky and not row.round_unknown]
        move(connection, others, State.RETRY, reason=RESTORED, actor=actor, now=now, **_ONE_MORE_UNKNOWN)
        parked[destination], left[destination] = len(risky), len(rows) - len(risky)
    subject = f"{parked.total()} parked, {left.total()} to be sent again"
    log_action(connection, "adopt", actor=actor, reason=reason, subject=subject, now=now)
    return Adopted(+parked, +left)


def _may_be_taken_twice(rules: Rules | None, now: datetime) -> ColumnElement[bool]:
    if rules is None or not rules.deduplicates:
        return true()
    held = _S.state == State.HELD.value
    if rules.dedup_window is None:
        return held
    # It may have been sent as soon as it was there.
    return or_(held, func.coalesce(_S.round_started_at, _P.created_at) <= now - rules.dedup_window)
