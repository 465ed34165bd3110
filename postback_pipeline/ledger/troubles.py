"""What a person should know of, asked for every minute: pauses, approvals, what did not arrive, what soon cannot.

Belongs here: reading that for all destinations at once, from indexes that hold little else. Does not belong here: how
bad it is and who is told (`alerting`), what can be done about it (`commands`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Double, cast, func, select

from postback_pipeline.ledger import guard
from postback_pipeline.ledger.schema import QUEUED, TROUBLED, destinations, postbacks, standings
from postback_pipeline.ledger.values import Approval
from postback_pipeline.model import State

_P, _S = postbacks.c, standings.c

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Pause:
    """A destination that takes nothing."""

    destination: str
    reason: str
    by: str
    since: datetime
    #: The machine's own: it ends when what it stumbled over was changed.
    ends_by_itself: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Postbacks of one destination that did not arrive, for one reason."""

    destination: str
    #: PARKED, REJECTED or EXPIRED.
    state: State
    #: A receiver's code or our own short word.
    reason: str
    count: int
    #: When the first and the last of them got there.
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Postbacks of one destination that are queued and whose window closes soon."""

    destination: str
    count: int
    #: When the first window closes.
    first_expires_at: datetime
    #: Currency -> what the receiver would learn: the sum of the differences to what it believes, to the cent. For
    #: people: a database adds them up as binary fractions.
    money: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Troubles:
    """All of it, at one instant of the ledger's clock."""

    at: datetime
    pauses: tuple[Pause, ...]
    approvals: tuple[Approval, ...]
    postbacks: tuple[Trouble, ...]
    expiring: tuple[AtRisk, ...]


def troubles(
    connection: Connection, refused_since: datetime, expiring_before: datetime, queued_before: datetime, now: datetime
) -> Troubles:
    """As `Ledger.troubles` says."""
    return Troubles(
        at=now,
        pauses=tuple(_pauses(connection)),
        approvals=tuple(guard.waiting(connection, now)),
        postbacks=tuple(_did_not_arrive(connection, refused_since)),
        expiring=tuple(_at_risk(connection, expiring_before, queued_before, now)),
    )


def _pauses(connection: Connection) -> list[Pause]:
    query = select(destinations).where(destinations.c.paused.is_(True)).order_by(destinations.c.name)
    return [
        Pause(row.name, row.pause_reason or "", row.paused_by or "", row.paused_at, row.pause_mark is not None)
        for row in connection.execute(query)
    ]


def _did_not_arrive(connection: Connection, since: datetime) -> list[Trouble]:
    each = (_S.destination, _S.state, func.coalesce(_S.reason, "").label("reason"))
    query = select(*each, func.count(), func.min(_S.changed_at), func.max(_S.changed_at)).where(TROUBLED)
    # What is parked waits for a person, however long. A state at a time: the index goes by state and time.
    conditions = [
        [_S.state == State.PARKED.value],
        *([_S.state == state.value, _S.changed_at >= since] for state in (State.REJECTED, State.EXPIRED)),
    ]
    found = [row for each_of in conditions for row in connection.execute(query.where(*each_of).group_by(*each))]
    return sorted((Trouble(row[0], State(row[1]), *row[2:]) for row in found), key=_by_destination)


def _by_destination(trouble: Trouble) -> tuple[str, str, str]:
    return trouble.destination, trouble.state.value, trouble.reason


def _at_risk(connection: Connection, before: datetime, queued_before: datetime, now: datetime) -> list[AtRisk]:
    difference = func.abs(cast(_P.value, Double) - func.coalesce(cast(_P.previous_value, Double), 0.0))
    found: dict[str, list[tuple[int, datetime, str, Decimal]]] = {}
    query = (
        select(_S.destination, _P.currency, func.count(), func.min(_S.expires_at), func.sum(difference))
        .join(postbacks, _P.id == _S.id)
        .where(_S.destination.in_(select(destinations.c.name)), _P.created_at <= queued_before)
        .where(_S.expires_at > now, _S.expires_at <= before)
        .group_by(_S.destination, _P.currency)
        .order_by(_S.destination, _P.currency)
    )
    # Apart, since each has an index of its own.
    for waiting in (query.where(QUEUED), query.where(_S.state == State.HELD.value)):
        for row in connection.execute(waiting):
            money = Decimal(str(row[4])).quantize(_CENT)
            found.setdefault(row.destination, []).append((row[2], row[3], row.currency, money))
    return [_added_up(name, rows) for name, rows in sorted(found.items())]


def _added_up(name: str, rows: list[tuple[int, datetime, str, Decimal]]) -> AtRisk:
    money: dict[str, Decimal] = {}
    for _, _, currency, amount in rows:
        money[currency] = money.get(currency, Decimal(0)) + amount
    return AtRisk(name, sum(row[0] for row in rows), min(row[1] for row in rows), money)
