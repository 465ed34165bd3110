"""The brake on floods: an enqueue far above what is usual waits for a person.

Belongs here: whether an enqueue is unusual, and the approvals that let it through. Does not belong here: the limits'
values (settings), what is enqueued.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.plans import ORIGIN
from postback_pipeline.ledger.schema import approvals, postbacks
from postback_pipeline.ledger.values import Approval
from postback_pipeline.settings import Guard

#: An approval covers counts up to this much above those it names, and this long.
TOLERANCE = 1.1
VALID_FOR = timedelta(hours=24)


class Counts(NamedTuple):
    """What an enqueue would write."""

    destination: str
    postbacks: int
    retractions: int


def objection(connection: Connection, counts: Counts, guard: Guard, now: datetime) -> str | None:
    """Why an enqueue of this size needs an approval, as a sentence; None if it does not."""
    limit = max(guard.minimum, guard.multiple * _daily_average(connection, counts.destination, guard, now))
    if counts.postbacks > limit:
        return (
            f"{counts.postbacks} postbacks for {counts.destination} are more than the {limit:.0f}"
            " that pass without a question."
        )
    share = counts.retractions / counts.postbacks if counts.postbacks else 0.0
    if counts.retractions >= guard.retraction_minimum and share > guard.retraction_share:
        return (
            f"{counts.retractions} of {counts.postbacks} postbacks for {counts.destination} are retractions, more than"
            f" the {guard.retraction_share:.0%} that pass without a question."
        )
    return None


def find_approval(connection: Connection, counts: Counts, now: datetime) -> Approval | None:
    """The first approved, unused and fresh approval that covers these counts."""
    query = (
        select(approvals)
        .where(
            approvals.c.destination == counts.destination,
            approvals.c.status == "approved",
            approvals.c.approved_at > now - VALID_FOR,
            approvals.c.postbacks * TOLERANCE >= counts.postbacks,
            approvals.c.retractions * TOLERANCE >= counts.retractions,
        )
        .order_by(approvals.c.id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _approval(row)


def mark_used(connection: Connection, approval: Approval, now: datetime) -> None:
    """An approval lets one enqueue through."""
    _set_status(connection, approval.id, "used", used_at=now)


def waiting(connection: Connection, now: datetime, destination: str | None = None) -> list[Approval]:
    """Those that wait for a person, oldest first."""
    query = select(approvals).where(approvals.c.status == "waiting", approvals.c.asked_at > now - VALID_FOR)
    if destination is not None:
        query = query.where(approvals.c.destination == destination)
    return [_approval(row) for row in connection.execute(query.order_by(approvals.c.id))]


def ask(connection: Connection, counts: Counts, reason: str, now: datetime) -> Approval:
    """The approval that waits for these counts: the one there is if it names about as many, else a new one.

    What an approval names never changes, so that nobody approves more than they read; a new one replaces it.
    """
    for approval in waiting(connection, now, counts.destination):
        if _about(counts.postbacks, approval.postbacks) and _about(counts.retractions, approval.retractions):
            _set_status(connection, approval.id, "waiting", asked_at=now)
            return approval
        _set_status(connection, approval.id, "replaced")
    query = insert(approvals).values(**counts._asdict(), reason=reason, status="waiting", created_at=now, asked_at=now)
    row = connection.execute(query.returning(approvals.c.id)).one()
    return Approval(row.id, *counts, reason, now)


def approve(connection: Connection, approval_id: int, *, actor: str, now: datetime) -> Approval:
    """Lets it through.

    Raises:
        LedgerError: it does not exist or does not wait.
    """
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id).with_for_update()).one_or_none()
    if row is None or row.status != "waiting" or row.asked_at <= now - VALID_FOR:
        why = "does not exist" if row is None else f"is {row.status}"
        if row is not None and row.status == "waiting":
            why = "was not asked for by any enqueue for a day"
        raise LedgerError(f"Approval {approval_id} {why}, so it cannot be approved. See: postback ledger status")
    _set_status(connection, approval_id, "approved", approved_at=now, approved_by=actor)
    return replace(_approval(row), approved_at=now, approved_by=actor)


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        id=row.id,
        destination=row.destination,
        postbacks=row.postbacks,
        retractions=row.retractions,
        reason=row.reason,
        created_at=row.created_at,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
    )


def _set_status(connection: Connection, approval_id: int, status: str, **values: Any) -> None:
    connection.execute(update(approvals).where(approvals.c.id == approval_id).values(status=status, **values))


def _about(count: int, named: int) -> bool:
    return named / TOLERANCE <= count <= named * TOLERANCE


def _daily_average(connection: Connection, destination: str, guard: Guard, now: datetime) -> float:
    """New postbacks per day over the trailing days, or since the first one if that is later."""
    enqueued = (postbacks.c.destination == destination, postbacks.c.origin == ORIGIN)
    first: datetime | None = connection.execute(select(func.min(postbacks.c.created_at)).where(*enqueued)).scalar_one()
    if first is None:
        return 0.0
    since = now - timedelta(days=guard.trailing_days)
    query = select(func.count()).select_from(postbacks).where(*enqueued, postbacks.c.created_at >= since)
    # A first hour is no day: its volume is not multiplied.
    days = min(float(guard.trailing_days), max(1.0, (now - first) / timedelta(days=1)))
    return float(connection.execute(query).scalar_one() / days)
