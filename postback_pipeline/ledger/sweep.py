"""What happens to postbacks by itself, as time passes and parents settle.

Belongs here: leases that ran out, windows that closed, children that were held. Does not belong here: what workers
and people do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, select

from postback_pipeline.ledger.chunks import CHUNK
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.decision import REPORTED_STATES
from postback_pipeline.ledger.endings import lapse
from postback_pipeline.ledger.machine import DEDUP_WINDOW_CLOSED, NOT_DEDUPLICATED, WINDOW_CLOSED
from postback_pipeline.ledger.moves import move
from postback_pipeline.ledger.receipts import is_awaited
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import QUEUED, postbacks, standings
from postback_pipeline.model import State

ACTOR = "sweep"
PARENT_PROCESSED = "parent_processed"
PARENT_GONE = "parent_not_accepted"
#: Nobody will say whether the receiver processed what this adjusts.
PARENT_UNCONFIRMED = "parent_unconfirmed"

_P, _S = postbacks.c, standings.c
_parent = standings.alias("parent")


@dataclass(frozen=True, slots=True)
class _Step:
    """Which postbacks time moves on, and how."""

    ids: Select[int]
    act: Callable[[Connection, list[int]], None]


def sweep(database: Database, destination: str, rules: Rules) -> None:
    """Moves on what time alone moves, in short transactions; takes no write lock if there is nothing to move."""
    with database.reading() as connection:
        now = database.now(connection)
    for step in _steps(destination, rules, now):
        while True:
            with database.reading() as connection:
                if connection.execute(step.ids.limit(1)).first() is None:
                    break
            with database.writing() as connection:
                query = step.ids.limit(CHUNK).with_for_update(skip_locked=True, key_share=True, of=standings)
                ids = list(connection.execute(query).scalars())
                if not ids:
                    # A worker or another sweep has them.
                    break
                step.act(connection, ids)


def _steps(destination: str, rules: Rules, now: datetime) -> list[_Step]:
    mine = select(_S.id).where(_S.destination == destination)
    queued, held = mine.where(QUEUED), mine.where(_S.state == State.HELD.value)
    child = held.join(postbacks, _P.id == _S.id).join(_parent, _parent.c.id == _P.parent_id)
    steps = [
        _Step(
            mine.where(_S.state == State.SENDING.value, _S.lease_until <= now),
            lambda c, ids: lapse(c, ids, rules=rules, actor=ACTOR, now=now),
        ),
        _Step(
            queued.where(_S.expires_at <= now, _S.unknown_attempts == 0),
            lambda c, ids: _move(c, ids, State.EXPIRED, WINDOW_CLOSED, now),
        ),
        _Step(
            # The receiver may have taken it: saying that it expired would deny that.
            queued.where(_S.expires_at <= now, _S.unknown_attempts > 0),
            lambda c, ids: _move(c, ids, State.PARKED, WINDOW_CLOSED, now),
        ),
        _Step(
            held.where(_S.expires_at <= now),
            lambda c, ids: _move(c, ids, State.EXPIRED, WINDOW_CLOSED, now),
        ),
        _Step(
            child.where(_parent.c.state == State.PROCESSED.value),
            lambda c, ids: _move(c, ids, State.PENDING, PARENT_PROCESSED, now),
        ),
        _Step(
            child.where(_parent.c.state == State.ACCEPTED.value, ~is_awaited(_parent.c.id)),
            lambda c, ids: _move(c, ids, State.PARKED, PARENT_UNCONFIRMED, now),
        ),
        _Step(
            child.where(_parent.c.state.not_in([state.value for state in REPORTED_STATES])),
            lambda c, ids: _move(c, ids, State.CANCELLED, PARENT_GONE, now),
        ),
    ]
    if not rules.deduplicates or rules.dedup_window is not None:
        steps.append(_too_late_to_resend(mine, rules, now))
    return steps


def _too_late_to_resend(mine: Select[int], rules: Rules, now: datetime) -> _Step:
    """Unknown attempts whose retry the receiver would no longer recognise: it waited too long, or the rules changed."""
    condition = and_(_S.state == State.RETRY.value, _S.round_unknown > 0)
    if rules.deduplicates and rules.dedup_window is not None:
        condition = and_(condition, _S.round_started_at <= now - rules.dedup_window)
    reason = DEDUP_WINDOW_CLOSED if rules.deduplicates else NOT_DEDUPLICATED
    return _Step(mine.where(condition), lambda c, ids: _move(c, ids, State.PARKED, reason, now))


def _move(connection: Connection, ids: list[int], state: State, reason: str, now: datetime) -> None:
    move(connection, ids, state, reason=reason, actor=ACTOR, now=now)
