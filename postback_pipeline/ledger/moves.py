"""Changing states and writing them down: no state changes without a row of history.

Belongs here: the statements that move many postbacks at once for one reason. Does not belong here: the end of an
attempt (`settlement`), which comes for many reasons at a time, nor its beginning (`claims`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, literal, null, select, update

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.schema import history, postbacks, standings
from postback_pipeline.model import State


def move(
    connection: Connection,
    ids: Collection[int],
    to_state: State,
    *,
    reason: str,
    actor: str,
    now: datetime,
    **values: Any,
) -> None:
    """Moves postbacks to one state, whatever theirs is, and sets further columns of theirs to `values`.

    The caller holds the rows (SQLite's write lock, or a row lock) and has checked that the move makes sense.
    """
    for chunk in chunks(ids):
        selected = standings.c.id.in_(chunk)
        entries = select(
            literal(now, history.c.at.type),
            standings.c.id,
            standings.c.state,
            literal(to_state.value),
            literal(reason),
            literal(actor),
        ).where(selected)
        _append(connection, ["at", "postback_id", "from_state", "to_state", "reason", "actor"], entries)
        connection.execute(
            update(standings).where(selected).values(state=to_state.value, reason=reason, changed_at=now, **values)
        )


def stand(connection: Connection, destination: str, after_id: int, state: State, *, reason: str, now: datetime) -> None:
    """Gives every postback of a destination with an id above `after_id` its first standing: may leave now, no limit.

    The caller holds the destination.
    """
    born = select(
        postbacks.c.id,
        postbacks.c.destination,
        literal(state.value),
        literal(reason),
        literal(now, standings.c.changed_at.type),
        literal(now, standings.c.due_at.type),
        literal(None, standings.c.expires_at.type),
    ).where(postbacks.c.destination == destination, postbacks.c.id > after_id)
    columns = ["id", "destination", "state", "reason", "changed_at", "due_at", "expires_at"]
    connection.execute(insert(standings).from_select(columns, born))


def record_births(connection: Connection, destination: str, after_id: int, *, actor: str) -> None:
    """Writes the first history row of every postback of a destination with an id above `after_id`.

    The caller holds the destination (`lock_destination`), so that these are its own.
    """
    entries = select(
        standings.c.changed_at,
        standings.c.id,
        null(),
        standings.c.state,
        standings.c.reason,
        literal(actor),
    ).where(standings.c.destination == destination, standings.c.id > after_id)
    columns = ["at", "postback_id", "from_state", "to_state", "reason", "actor"]
    _append(connection, columns, entries.order_by(standings.c.id))


def _append(connection: Connection, columns: list[str], entries: Select[Any]) -> None:
    connection.execute(insert(history).from_select(columns, entries))
