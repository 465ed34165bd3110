"""What holds for a whole destination: its lock, its pause, the instant before which nothing leaves.

Belongs here: the rows of table `destinations`. Does not belong here: what a destination can do (`rules`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from postback_pipeline.ledger.schema import destinations

_ROW = select(destinations).where(destinations.c.name == bindparam("of_name"))


def lock_destination(connection: Connection, destination: str) -> None:
    """Lets one enqueue, replay or import of a destination run at a time: revisions are numbered under this lock."""
    _require_row(connection, destination)
    connection.execute(select(destinations.c.name).where(destinations.c.name == destination).with_for_update())


def read_destination(connection: Connection, destination: str) -> Row[Any] | None:
    """Its row; None for one that was never enqueued to, paused or postponed."""
    return connection.execute(_ROW, {"of_name": destination}).one_or_none()


def pause(connection: Connection, destination: str, reason: str, actor: str, now: datetime) -> bool:
    """Whether it was running until now; who paused first, and why, stays."""
    _require_row(connection, destination)
    changed = connection.execute(
        update(destinations)
        .where(destinations.c.name == destination, destinations.c.paused.is_(False))
        .values(paused=True, pause_reason=reason, paused_by=actor, paused_at=now)
    )
    return changed.rowcount > 0


def resume(connection: Connection, destination: str) -> bool:
    """Whether it was paused until now."""
    changed = connection.execute(
        update(destinations)
        .where(destinations.c.name == destination, destinations.c.paused.is_(True))
        .values(paused=False, pause_reason=None, paused_by=None, paused_at=None)
    )
    return changed.rowcount > 0


def postpone(connection: Connection, destination: str, until: datetime, reason: str) -> None:
    """Nothing leaves before `until`; of several such instants the last one holds."""
    _require_row(connection, destination)
    connection.execute(
        update(destinations)
        .where(
            destinations.c.name == destination,
            destinations.c.not_before.is_(None) | (destinations.c.not_before < until),
        )
        .values(not_before=until, postpone_reason=reason)
    )


def _require_row(connection: Connection, destination: str) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(destinations).values(name=destination).on_conflict_do_nothing())
