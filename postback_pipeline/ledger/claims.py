"""Claiming postbacks and keeping them: intent before bytes.

Belongs here: claims and leases. Does not belong here: how attempts end (`endings`), leases that ran out (`sweep`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, String, cast, func, insert, literal, or_, select, true, update

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.destinations import read_destination
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import QUEUED, attempts, history, postbacks
from postback_pipeline.ledger.values import Claim
from postback_pipeline.model import Kind, State

_P = postbacks.c


def claim(
    connection: Connection,
    destination: str,
    limit: int,
    *,
    lease_seconds: float,
    owner: str,
    rules: Rules,
    now: datetime,
) -> list[Claim]:
    """Takes up to `limit` due postbacks: those whose receiver's window closes first, then the longest due ones."""
    row = read_destination(connection, destination)
    if row is not None and (row.paused or (row.not_before is not None and row.not_before > now)):
        return []
    query = (
        select(
            _P.id,
            _P.conversion_key,
            _P.event_name,
            _P.revision,
            _P.kind,
            _P.element,
            _P.attempts,
            _P.unknown_attempts,
            _P.round_started_at,
            _P.created_at,
            _P.event_time,
            _P.expires_at,
            _P.state,
        )
        .where(_P.destination == destination, QUEUED, _P.due_at <= now, _P.expires_at > now, _may_resend(rules, now))
        .order_by(_P.expires_at, _P.due_at, _P.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    rows = connection.execute(query).all()
    if not rows:
        return []
    batch = uuid.uuid4().hex
    lease_until = now + timedelta(seconds=lease_seconds)
    _write_claims(connection, [found.id for found in rows], batch, lease_until=lease_until, owner=owner, now=now)
    return [
        Claim(
            postback_id=found.id,
            destination=destination,
            conversion_key=found.conversion_key,
            event_name=found.event_name,
            revision=found.revision,
            kind=Kind(found.kind),
            element=found.element,
            # `Postback.key`.
            key=f"{found.conversion_key}.{found.revision}",
            token=f"{batch}-{found.id}",
            attempt=found.attempts + 1,
            unknown_attempts=found.unknown_attempts,
            first_attempt_at=found.round_started_at or now,
            created_at=found.created_at,
            event_time=found.event_time,
            expires_at=found.expires_at,
            lease_until=lease_until,
            claimed_from=State(found.state),
            owner=owner,
        )
        for found in rows
    ]


def renew(connection: Connection, claims: Sequence[Claim], lease_seconds: float, now: datetime) -> list[Claim]:
    """Extends the leases that are still held, and returns those claims; the others must not be sent any more."""
    lease_until = now + timedelta(seconds=lease_seconds)
    held: set[str] = set()
    for chunk in chunks(claims):
        mine = (
            _P.id.in_([claim.postback_id for claim in chunk]),
            _P.token.in_([claim.token for claim in chunk]),
            _P.state == State.SENDING.value,
        )
        connection.execute(update(postbacks).where(*mine).values(lease_until=lease_until))
        held.update(connection.execute(select(_P.token).where(*mine)).scalars())
    return [replace(claim, lease_until=lease_until) for claim in claims if claim.token in held]


def _may_resend(rules: Rules, now: datetime) -> ColumnElement[bool]:
    """An unknown attempt is followed by another one only where, and as long as, the receiver deduplicates."""
    never_unknown = _P.round_unknown == 0
    if not rules.deduplicates:
        return never_unknown
    if rules.dedup_window is None:
        return true()
    return or_(never_unknown, _P.round_started_at > now - rules.dedup_window)


def _write_claims(
    connection: Connection, ids: list[int], batch: str, *, lease_until: datetime, owner: str, now: datetime
) -> None:
    for chunk in chunks(ids):
        taken = _P.id.in_(chunk)
        entries = select(
            literal(now, history.c.at.type),
            _P.id,
            _P.state,
            literal(State.SENDING.value),
            _P.attempts + 1,
            literal(owner),
        ).where(taken)
        columns = ["at", "postback_id", "from_state", "to_state", "attempt", "actor"]
        connection.execute(insert(history).from_select(columns, entries))
        connection.execute(
            update(postbacks)
            .where(taken)
            .values(
                state=State.SENDING.value,
                reason=None,
                changed_at=now,
                attempts=_P.attempts + 1,
                round_attempts=_P.round_attempts + 1,
                round_started_at=func.coalesce(_P.round_started_at, literal(now, _P.round_started_at.type)),
                token=literal(f"{batch}-") + cast(_P.id, String),
                owner=owner,
                lease_until=lease_until,
            )
        )
        begun = select(_P.id, _P.attempts, _P.token, _P.owner, _P.changed_at).where(taken)
        connection.execute(
            insert(attempts).from_select(["postback_id", "number", "token", "owner", "started_at"], begun)
        )
