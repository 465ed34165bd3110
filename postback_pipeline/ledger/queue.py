"""What is due, answered from the indexes, save for the few that are held: sensors ask every few seconds.

Belongs here: counts and instants of queues, and a look at what is first in them. Does not belong here: taking anything
from them (`claims`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from postback_pipeline.ledger import drains
from postback_pipeline.ledger.receipts import is_awaited
from postback_pipeline.ledger.schema import OPEN, QUEUED, destinations, postbacks, receipts, standings
from postback_pipeline.ledger.values import Due, Peeked
from postback_pipeline.model import Kind, State, postback_key

_P, _S = postbacks.c, standings.c
_parent = standings.alias("parent")

#: Until its window closes where a verdict on its parent is awaited; else since there was none to wait for.
_HELD_UNTIL = case(
    (and_(_parent.c.state == State.ACCEPTED.value, is_awaited(_parent.c.id)), _S.expires_at),
    else_=case((_parent.c.changed_at > _S.changed_at, _parent.c.changed_at), else_=_S.changed_at),
)


_PEEK = (
    select(_P.id, _P.kind, _P.conversion_key, _P.revision, _P.element)
    .join(standings, _S.id == _P.id)
    .where(_P.element.is_not(None))
)


@dataclass(slots=True)
class _Queue:
    count: int = 0
    oldest: datetime | None = None
    next: datetime | None = None


def due(connection: Connection, names: Sequence[str], now: datetime) -> dict[str, Due]:
    """One `Due` per name, also for names without any postback."""
    queues = _read_queues(connection, names, now)
    rows = {row.name: row for row in connection.execute(select(destinations).where(destinations.c.name.in_(names)))}
    at_work = drains.working(connection, names, now)
    asking = _read_inquiries(connection, names, now)
    return {
        name: _due(queues.get(name, _Queue()), rows.get(name), name in at_work, asking.get(name, 0), now)
        for name in names
    }


def _due(queue: _Queue, row: Row[Any] | None, working: bool, inquiries: int, now: datetime) -> Due:
    if row is None:
        return Due(queue.count, queue.oldest, queue.next, paused=False, working=working, inquiries=inquiries)
    count, oldest, upcoming = queue.count, queue.oldest, queue.next
    if row.not_before is not None and row.not_before > now:
        first = _earliest(oldest, upcoming)
        count, oldest, upcoming, inquiries = 0, None, max(row.not_before, first) if first else None, 0
    reason = row.pause_reason or row.postpone_reason
    return Due(count, oldest, upcoming, row.paused, row.pause_mark, working, row.trips, reason, inquiries)


def count(connection: Connection, destination: str, states: Collection[State]) -> dict[State, int]:
    """How many postbacks of a destination are in each of these states."""
    query = (
        select(_S.state, func.count())
        .where(_S.destination == destination, _S.state.in_([state.value for state in states]))
        .group_by(_S.state)
    )
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state: found.get(state.value, 0) for state in states}


def peek(connection: Connection, destination: str, limit: int, now: datetime) -> list[Peeked]:
    """The first due postbacks in the order of claims, taking nothing; also of a destination that is paused."""
    query = (
        _PEEK.where(_S.destination == destination, QUEUED, _S.due_at <= now, _S.expires_at > now)
        .order_by(_S.expires_at, _S.due_at, _S.id)
        .limit(limit)
    )
    return _peeked(connection, query)


def elements(connection: Connection, ids: Collection[int]) -> list[Peeked]:
    """These postbacks, whatever their state, without those whose element was erased."""
    return _peeked(connection, _PEEK.where(_P.id.in_(ids)).order_by(_P.id))


def _peeked(connection: Connection, query: Select[Any]) -> list[Peeked]:
    return [
        Peeked(row.id, Kind(row.kind), postback_key(row.conversion_key, row.revision), row.element)
        for row in connection.execute(query)
    ]


def _read_queues(connection: Connection, names: Sequence[str], now: datetime) -> dict[str, _Queue]:
    queues: dict[str, _Queue] = {}
    # A lease that ran out is work as well, and so is what is held for nothing any more: only a drain's sweep moves
    # them on.
    for query in (
        _counts(_S.due_at, now).where(QUEUED),
        _counts(_S.lease_until, now).where(_S.state == State.SENDING.value),
        _counts(_HELD_UNTIL, now)
        .where(_S.state == State.HELD.value)
        .join(postbacks, _P.id == _S.id)
        .join(_parent, _parent.c.id == _P.parent_id),
    ):
        for row in connection.execute(query.where(_S.destination.in_(names)).group_by(_S.destination)):
            queue = queues.setdefault(row.destination, _Queue())
            queue.count += row.due
            queue.oldest = _earliest(queue.oldest, row.oldest)
            queue.next = _earliest(queue.next, row.upcoming)
    return queues


def _read_inquiries(connection: Connection, names: Sequence[str], now: datetime) -> dict[str, int]:
    query = (
        select(receipts.c.destination, func.count())
        .where(OPEN, receipts.c.ask_at <= now, receipts.c.destination.in_(names))
        .group_by(receipts.c.destination)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _counts(at: ColumnElement[Any], now: datetime) -> Select[Any]:
    """How many postbacks have come to their instant, since when the first one has, and when the next one will."""
    return select(
        _S.destination,
        func.count().filter(at <= now).label("due"),
        func.min(at).filter(at <= now).label("oldest"),
        func.min(at).filter(at > now).label("upcoming"),
    )


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)
