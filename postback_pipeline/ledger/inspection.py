"""What people are told: the state of the queues, and the story of one conversion or postback.

Belongs here: reading for people. Does not belong here: payloads (never shown), layout (the command line).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from postback_pipeline.ledger import drains, guard
from postback_pipeline.ledger.payloads import FINAL_STATES
from postback_pipeline.ledger.queue import due
from postback_pipeline.ledger.schema import attempts, destinations, history, postbacks, standings
from postback_pipeline.ledger.selections import conditions_of, lists_of
from postback_pipeline.ledger.stories import (
    AttemptStory,
    Change,
    DestinationStatus,
    DrainStatus,
    LedgerStatus,
    Selected,
    Selection,
    StateCount,
    Story,
)
from postback_pipeline.ledger.values import Due, LedgerIdentity
from postback_pipeline.model import Kind, Outcome, State

_P, _S = postbacks.c, standings.c
_BOTH = postbacks.join(standings, _S.id == _P.id)

#: States in which something is still to happen.
_AWAITED = tuple(state for state in State if state not in FINAL_STATES)


def status(connection: Connection, identity: LedgerIdentity, now: datetime) -> LedgerStatus:
    """All destinations that the ledger has heard of, by name."""
    counts = _count_states(connection)
    rows = {row.name: row for row in connection.execute(select(destinations))}
    workers = drains.at_work(connection, now)
    names = sorted(counts.keys() | rows.keys() | workers.keys())
    queues = due(connection, names, now)
    found = [_status(name, counts.get(name, {}), queues[name], rows.get(name), workers.get(name, [])) for name in names]
    return LedgerStatus(
        identity=identity, at=now, destinations=tuple(found), approvals=tuple(guard.waiting(connection, now))
    )


def destination_status(connection: Connection, name: str, now: datetime) -> DestinationStatus:
    """One destination, also one that the ledger has never heard of; of its states those in which something waits.

    It reads indexes only, however much was sent.
    """
    waiting = (_S.destination == name, _S.state.in_([state.value for state in _AWAITED]))
    counts = select(_S.state, func.count(), func.min(_S.changed_at)).where(*waiting).group_by(_S.state)
    states = {State(row[0]): StateCount(row[1], row[2]) for row in connection.execute(counts)}
    row = connection.execute(select(destinations).where(destinations.c.name == name)).first()
    workers = drains.at_work(connection, now).get(name, [])
    return _status(name, states, due(connection, [name], now)[name], row, workers)


def _status(
    name: str, states: dict[State, StateCount], queue: Due, row: Row[Any] | None, workers: Sequence[DrainStatus]
) -> DestinationStatus:
    return DestinationStatus(
        destination=name,
        states=states,
        due=queue.count,
        oldest_due_at=queue.oldest_due_at,
        paused=queue.paused,
        pause_reason=row.pause_reason if row else None,
        paused_by=row.paused_by if row else None,
        paused_at=row.paused_at if row else None,
        ends_by_itself=queue.pause_mark is not None,
        not_before=row.not_before if row else None,
        postpone_reason=row.postpone_reason if row else None,
        trips=row.trips if row else 0,
        next_turn_at=row.next_turn_at if row else None,
        drains=tuple(workers),
    )


def _count_states(connection: Connection) -> dict[str, dict[State, StateCount]]:
    each = (_S.destination, _S.state)
    # Apart: the index knows how many there are, only the rows know since when.
    ages = select(*each, func.min(_S.changed_at)).where(
        _S.destination.in_(select(destinations.c.name)), _S.state.in_([state.value for state in _AWAITED])
    )
    oldest = {(row[0], row[1]): row[2] for row in connection.execute(ages.group_by(*each))}
    counts: dict[str, dict[State, StateCount]] = {}
    for row in connection.execute(select(*each, func.count()).group_by(*each)):
        states = counts.setdefault(row.destination, {})
        states[State(row.state)] = StateCount(row[2], oldest.get((row.destination, row.state)))
    return counts


def inspect(connection: Connection, subject: str | int) -> list[Story]:
    """The stories of one conversion at all destinations, by destination and revision, or of one postback."""
    condition = _P.id == subject if isinstance(subject, int) else _P.conversion_key == subject
    return _stories(connection, condition, _P.destination, _P.revision)


def select_stories(connection: Connection, selection: Selection, limit: int) -> Selected:
    """The stories of the newest `limit` postbacks of a selection, oldest first, and how many it has."""
    conditions = conditions_of(selection)
    counts = select(func.count()).select_from(_BOTH)
    count = sum(connection.execute(counts.where(*conditions, *listed)).scalar_one() for listed in lists_of(selection))
    return Selected(count, newest_stories(connection, selection, limit))


def newest_stories(connection: Connection, selection: Selection, limit: int) -> tuple[Story, ...]:
    """The stories of the newest `limit` postbacks of a selection, oldest first."""
    conditions = conditions_of(selection)
    newest = select(_P.id).select_from(_BOTH).order_by(_P.id.desc()).limit(limit)
    ids: list[int] = []
    for listed in lists_of(selection):
        ids += connection.execute(newest.where(*conditions, *listed)).scalars()
    return tuple(_stories(connection, _P.id.in_(sorted(ids)[-limit:]), _P.id))


def _stories(connection: Connection, condition: ColumnElement[bool], *order: ColumnElement[Any]) -> list[Story]:
    standing = [column for column in standings.columns if column.name not in ("id", "destination")]
    query = select(postbacks, *standing, _P.element.is_(None).label("element_erased"))
    query = query.join(standings, _S.id == _P.id).where(condition)
    rows = connection.execute(query.order_by(*order)).all()
    ids = [row.id for row in rows]
    tries = _grouped(
        connection.execute(
            select(attempts).where(attempts.c.postback_id.in_(ids)).order_by(attempts.c.postback_id, attempts.c.number)
        )
    )
    changes = _grouped(
        connection.execute(select(history).where(history.c.postback_id.in_(ids)).order_by(history.c.seq))
    )
    return [_story(row, tries.get(row.id, []), changes.get(row.id, [])) for row in rows]


def _grouped(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    grouped: dict[int, list[Row[Any]]] = {}
    for row in rows:
        grouped.setdefault(row.postback_id, []).append(row)
    return grouped


def _story(row: Row[Any], tries: list[Row[Any]], changes: list[Row[Any]]) -> Story:
    return Story(
        postback_id=row.id,
        destination=row.destination,
        conversion_key=row.conversion_key,
        event_name=row.event_name,
        revision=row.revision,
        kind=Kind(row.kind),
        value=row.value,
        previous_value=row.previous_value,
        currency=row.currency,
        reason_code=row.reason_code,
        receiver_event=row.receiver_event,
        event_id=row.event_id,
        transaction_id=row.transaction_id,
        action_at=row.action_at,
        event_time=row.event_time,
        click_id=row.click_id,
        clicked_at=row.clicked_at,
        identifiers=tuple(row.identifiers),
        definition_version=row.definition_version,
        exchange_rate=row.exchange_rate,
        state=State(row.state),
        reason=row.reason,
        created_at=row.created_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        expires_at=row.expires_at,
        element_hash=row.element_hash,
        element_erased=bool(row.element_erased),
        attempts=(*(_attempt(attempt) for attempt in tries), *_under_way(row)),
        history=tuple(_change(change) for change in changes),
    )


def _under_way(row: Row[Any]) -> Iterator[AttemptStory]:
    """The attempt that is made now, if one is: it gets a row of its own when it ends."""
    if row.state == State.SENDING:
        yield AttemptStory(
            number=row.attempts,
            owner=row.owner,
            started_at=row.changed_at,
            finished_at=None,
            outcome=None,
            duplicate=False,
            phase=None,
            http_status=None,
            reason=None,
            reply_head=None,
            retry_after=None,
            stale=False,
        )


def _attempt(row: Row[Any]) -> AttemptStory:
    return AttemptStory(
        number=row.number,
        owner=row.owner,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        duplicate=row.duplicate,
        phase=row.phase,
        http_status=row.http_status,
        reason=row.reason,
        reply_head=row.reply_head,
        retry_after=row.retry_after,
        stale=row.stale,
    )


def _change(row: Row[Any]) -> Change:
    return Change(
        seq=row.seq,
        at=row.at,
        from_state=State(row.from_state) if row.from_state else None,
        to_state=State(row.to_state),
        attempt=row.attempt,
        outcome=Outcome(row.outcome) if row.outcome else None,
        phase=row.phase,
        http_status=row.http_status,
        reason=row.reason,
        actor=row.actor,
    )
