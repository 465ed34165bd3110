"""What people do to postbacks: replay, resolve, cancel.

Belongs here: each command's rules. Does not belong here: finding the postbacks and logging the action (`selections`),
pauses (`destinations`), approvals (`guard`), imports (`imports`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.decision import QUEUED_STATES, REPORTED_STATES
from postback_pipeline.ledger.destinations import lock_destination
from postback_pipeline.ledger.moves import move, record_births, stand
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.ledger.selections import Selected, find, log_action
from postback_pipeline.ledger.stories import CommandReport, Selection, Skipped
from postback_pipeline.model import Resolution, State

REPLAYABLE = frozenset({State.REJECTED, State.EXPIRED, State.PARKED, State.CANCELLED})

_P = postbacks.c
#: A new round: its budget and its deduplication window begin with its first attempt.
_NEW_ROUND: dict[str, Any] = {
    "round_attempts": 0,
    "round_unknown": 0,
    "round_started_at": None,
    "by_person": False,
}


def replay(
    connection: Connection, selection: Selection, *, force: bool, actor: str, reason: str, now: datetime
) -> CommandReport:
    """Sends again what was rejected, expired, parked or cancelled; with `force` also what was accepted.

    What was accepted is sent again as a new revision with the same element. `force` also replays what the receiver's
    window has closed for. Only the newest revision of a conversion is ever replayed.
    """
    # Looked at twice: only under the destinations' locks does the newest revision stay the newest one.
    destinations = {postback.destination for postback in find(connection, selection)}
    for destination in sorted(destinations):
        lock_destination(connection, destination)
    found = [postback for postback in find(connection, selection) if postback.destination in destinations]
    newest = _newest_revisions(connection, found)

    def hindrance(postback: Selected) -> str | None:
        if newest[postback.destination, postback.conversion_key] != postback.revision:
            return "A newer revision of this conversion exists."
        if postback.state in REPORTED_STATES and not force:
            return "It was accepted; replaying it needs force and makes a new revision."
        if postback.state not in REPLAYABLE | REPORTED_STATES:
            return f"It is {postback.state}, so there is nothing to replay."
        if postback.element_erased:
            return "Its payload was erased."
        if postback.expires_at is not None and postback.expires_at <= now and not force:
            return "The receiver's window for it has closed; replaying it needs force."
        return None

    chosen, skipped = _choose(found, hindrance)
    accepted = [postback for postback in chosen if postback.state in REPORTED_STATES]
    others = [postback for postback in chosen if postback.state not in REPORTED_STATES]
    closed = {p.id for p in others if p.expires_at is not None and p.expires_at <= now}
    open_ids = [postback.id for postback in others if postback.id not in closed]
    move(connection, open_ids, State.PENDING, reason=reason, actor=actor, now=now, due_at=now, **_NEW_ROUND)
    move(
        connection,
        closed,
        State.PENDING,
        reason=reason,
        actor=actor,
        now=now,
        due_at=now,
        expires_at=None,
        **_NEW_ROUND,
    )
    copies = _copy_accepted(connection, accepted, reason=reason, actor=actor, now=now)
    changed = tuple(sorted([*open_ids, *closed, *copies]))
    return _done(connection, "replay", changed, chosen, skipped, actor=actor, reason=reason, now=now)


def resolve(
    connection: Connection, selection: Selection, resolution: Resolution, *, actor: str, reason: str, now: datetime
) -> CommandReport:
    """Says what a person found out about parked postbacks: the same of all that are selected."""
    resend = resolution is Resolution.RESEND

    def hindrance(postback: Selected) -> str | None:
        if postback.state is not State.PARKED:
            return f"It is {postback.state}: only a parked one can be resolved."
        return "Its payload was erased, so it cannot be sent again." if resend and postback.element_erased else None

    chosen, skipped = _choose(find(connection, selection), hindrance)
    ids = tuple(postback.id for postback in chosen)
    state = State.PENDING if resend else State(resolution.value)
    values = {"due_at": now, **_NEW_ROUND} if resend else {}
    move(connection, ids, state, reason=reason, actor=actor, now=now, **values)
    return _done(connection, "resolve", ids, chosen, skipped, actor=actor, reason=reason, now=now)


def cancel(connection: Connection, selection: Selection, *, actor: str, reason: str, now: datetime) -> CommandReport:
    """Takes back what has not left. It stays cancelled until the desired value changes or a person replays it."""

    def hindrance(postback: Selected) -> str | None:
        if postback.state not in QUEUED_STATES:
            return f"It is {postback.state}, so it cannot be taken back."
        if postback.unknown_attempts:
            return "An attempt's fate is unknown: the receiver may have it."
        return None

    chosen, skipped = _choose(find(connection, selection), hindrance)
    ids = tuple(postback.id for postback in chosen)
    move(connection, ids, State.CANCELLED, reason=reason, actor=actor, now=now, by_person=True)
    return _done(connection, "cancel", ids, chosen, skipped, actor=actor, reason=reason, now=now)


def _done(
    connection: Connection,
    command: str,
    changed: tuple[int, ...],
    chosen: Sequence[Selected],
    skipped: Sequence[Skipped],
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> CommandReport:
    listed = ", ".join(str(postback_id) for postback_id in changed[:20]) + (" ..." if len(changed) > 20 else "")
    subject = f"{len(changed)} changed ({listed}), {len(skipped)} skipped"
    log_action(connection, command, actor=actor, reason=reason, subject=subject, now=now)
    acted_on = tuple(postback.id for postback in chosen)
    identity = sha256(" ".join(f"{each.id}:{each.state}" for each in chosen).encode()).hexdigest()
    return CommandReport(changed, acted_on, tuple(skipped), identity)


def _choose(
    found: Sequence[Selected], hindrance: Callable[[Selected], str | None]
) -> tuple[list[Selected], list[Skipped]]:
    chosen, skipped = [], []
    for postback in found:
        why = hindrance(postback)
        if why is None:
            chosen.append(postback)
        else:
            skipped.append(Skipped(postback.id, postback.conversion_key, postback.state, why))
    return chosen, skipped


def _newest_revisions(connection: Connection, found: Sequence[Selected]) -> dict[tuple[str, str], int]:
    newest: dict[tuple[str, str], int] = {}
    for chunk in chunks({postback.conversion_key for postback in found}):
        query = (
            select(_P.destination, _P.conversion_key, func.max(_P.revision).label("revision"))
            .where(_P.conversion_key.in_(chunk))
            .group_by(_P.destination, _P.conversion_key)
        )
        newest.update({(row.destination, row.conversion_key): row.revision for row in connection.execute(query)})
    return newest


def _copy_accepted(
    connection: Connection, accepted: Sequence[Selected], *, reason: str, actor: str, now: datetime
) -> list[int]:
    """New revisions that say once more what was accepted, element and all."""
    copies: list[int] = []
    replaced = {
        "revision": _P.revision + 1,
        "origin": literal("replay"),
        "created_at": literal(now, _P.created_at.type),
    }
    columns = [column for column in postbacks.columns if column.name != "id"]
    for destination in sorted({postback.destination for postback in accepted}):
        last: int = connection.execute(select(func.max(_P.id))).scalar_one()
        ids = [postback.id for postback in accepted if postback.destination == destination]
        for chunk in chunks(ids):
            source = select(*[replaced.get(column.name, column) for column in columns]).where(_P.id.in_(chunk))
            connection.execute(insert(postbacks).from_select([column.name for column in columns], source))
        stand(connection, destination, last, State.PENDING, reason=reason, now=now)
        record_births(connection, destination, last, actor=actor)
        mine = select(_P.id).where(_P.destination == destination, _P.id > last)
        copies += connection.execute(mine).scalars()
    return copies
