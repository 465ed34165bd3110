"""What holds for a whole destination: its lock, its pause, the instant before which nothing leaves, its breaker.

Belongs here: the rows of table `destinations`. Does not belong here: what a destination can do (`rules`), who works
for it (`drains`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import random
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from postback_pipeline.ledger.database import dialect_insert
from postback_pipeline.ledger.machine import backoff_ceiling
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import destinations

_D = destinations.c

_MINE = _D.name == bindparam("of_name")
_ROW = select(destinations).where(_MINE)
_LOCKED_ROW = _ROW.with_for_update()


def lock_destination(connection: Connection, destination: str) -> None:
    """Lets one enqueue, replay or import of a destination run at a time: revisions are numbered under this lock."""
    _require_row(connection, destination)
    # Not the row: workers postpone, pause and take turns there, and an enqueue may take long. SQLite's own write
    # lock does the same.
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(7266002, func.hashtext(destination))))


def read_destination(connection: Connection, destination: str, *, lock: bool = False) -> Row[Any] | None:
    """Its row; None for one that was never enqueued to, paused or postponed."""
    return connection.execute(_LOCKED_ROW if lock else _ROW, {"of_name": destination}).one_or_none()


def pause(
    connection: Connection, destination: str, reason: str, actor: str, now: datetime, mark: str | None = None
) -> bool:
    """Whether it did anything. Who paused first, and why, stays, but a person's pause replaces the machine's.

    A pause with a `mark` ends by itself once `resume_if_changed` is told another mark; one without never does.
    """
    _require_row(connection, destination)
    values = {"paused": True, "pause_reason": reason, "paused_by": actor, "paused_at": now, "pause_mark": mark}
    running = _D.paused.is_(False)
    gives_way = or_(running, _D.pause_mark.is_not(None)) if mark is None else running
    query = update(destinations).where(_D.name == destination, gives_way).values(values)
    return connection.execute(query).rowcount > 0


def resume(connection: Connection, destination: str, *, changed_from: str | None = None) -> bool:
    """Whether it was paused until now; with `changed_from`, only a pause that was made with another mark ends."""
    query = update(destinations).where(_D.name == destination, _D.paused.is_(True))
    if changed_from is not None:
        query = query.where(_D.pause_mark != changed_from)
    values = {"paused": False, "pause_reason": None, "paused_by": None, "paused_at": None, "pause_mark": None}
    return connection.execute(query.values(values)).rowcount > 0


def postpone(connection: Connection, destination: str, until: datetime, reason: str) -> None:
    """Nothing leaves before `until`; of several such instants the last one holds."""
    _require_row(connection, destination)
    connection.execute(
        update(destinations)
        .where(_D.name == destination, or_(_D.not_before.is_(None), _D.not_before < until))
        .values(not_before=until, postpone_reason=reason)
    )


def trip(connection: Connection, destination: str, reason: str, rules: Rules, now: datetime) -> datetime:
    """Opens the breaker, again if it was opened before without a recovery; returns when its probe may leave.

    One that is open is not opened once more: of several workers that meet the same failures, only the first one counts.
    """
    row = _lock_row(connection, destination)
    if row.trips > 0 and row.not_before is not None and row.not_before > now:
        found: datetime = row.not_before
        return found
    # Half of it fixed: a breaker that closes at once is none.
    seconds = backoff_ceiling(row.trips + 1, rules) * (0.5 + 0.5 * random())  # noqa: S311
    until = max(now + timedelta(seconds=seconds), row.not_before or now)
    connection.execute(
        update(destinations)
        .where(_D.name == destination)
        .values(trips=row.trips + 1, not_before=until, postpone_reason=reason)
    )
    return until


def recover(connection: Connection, destination: str) -> None:
    """Closes the breaker. What the receiver asked to wait for still holds."""
    connection.execute(update(destinations).where(_D.name == destination, _D.trips > 0).values(trips=0))


def take_turns(connection: Connection, destination: str, count: int, rate: float, now: datetime) -> datetime:
    """Reserves `count` turns at `rate` per second and returns the instant of the first one."""
    row = _lock_row(connection, destination)
    first: datetime = max(now, row.next_turn_at or now)
    after = first + timedelta(seconds=count / rate)
    connection.execute(update(destinations).where(_D.name == destination).values(next_turn_at=after))
    return first


def _require_row(connection: Connection, destination: str) -> None:
    """Sees to it that the destination has a row."""
    connection.execute(dialect_insert(connection, destinations).values(name=destination).on_conflict_do_nothing())


def _lock_row(connection: Connection, destination: str) -> Row[Any]:
    _require_row(connection, destination)
    return connection.execute(_LOCKED_ROW, {"of_name": destination}).one()
