"""Who works for a destination now: each drain says so every few seconds, so that no second one is started.

Belongs here: the rows of table `drains`. Does not belong here: exclusion; that comes from claims, leases and tokens,
and two drains of one destination are nothing worse than a waste.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, select

from postback_pipeline.ledger.database import dialect_insert
from postback_pipeline.ledger.schema import drains
from postback_pipeline.ledger.stories import DrainStatus

#: A drain that was not seen for so long does not work any more.
BEAT_LAPSE = timedelta(seconds=15)
#: One that was not seen for so long is forgotten.
FORGET_AFTER = timedelta(days=1)

_D = drains.c


def beat(connection: Connection, destination: str, owner: str, now: datetime) -> None:
    """Notes that this drain works, since its first beat, and forgets those that stopped long ago."""
    connection.execute(
        dialect_insert(connection, drains)
        .values(destination=destination, owner=owner, started_at=now, seen_at=now)
        .on_conflict_do_update(index_elements=["destination", "owner"], set_={"seen_at": now})
    )
    connection.execute(delete(drains).where(_D.destination == destination, _D.seen_at < now - FORGET_AFTER))


def leave(connection: Connection, destination: str, owner: str) -> None:
    """Notes that this drain stopped."""
    connection.execute(delete(drains).where(_D.destination == destination, _D.owner == owner))


def working(connection: Connection, names: Sequence[str], now: datetime) -> set[str]:
    """Those destinations for which some drain works."""
    query = select(_D.destination).where(_D.destination.in_(names), *_seen(now))
    return set(connection.execute(query.distinct()).scalars())


def at_work(connection: Connection, now: datetime) -> dict[str, list[DrainStatus]]:
    """Who works for which destination, the one that works longest first."""
    found: dict[str, list[DrainStatus]] = {}
    for row in connection.execute(select(drains).where(*_seen(now)).order_by(_D.started_at, _D.owner)):
        found.setdefault(row.destination, []).append(DrainStatus(row.owner, row.started_at))
    return found


def _seen(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # A beat from the future is a clock's error: it must not keep a destination from ever being drained again.
    return _D.seen_at > now - BEAT_LAPSE, _D.seen_at < now + BEAT_LAPSE
