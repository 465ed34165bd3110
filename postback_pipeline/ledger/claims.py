"""Claiming postbacks and keeping them: intent before bytes.

That an attempt is under way stands in the postback's standing (state, token, owner, number) and in the history; it gets
its row in `attempts` when it ends.

Belongs here: claims and leases. Does not belong here: how attempts end (`endings`), leases that ran out (`sweep`).

The statements are built once: building them costs more than running them for a few postbacks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    String,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from postback_pipeline.ledger.columns import FOREVER, LONG_AGO, Instant, as_given, read_deadline, read_instant
from postback_pipeline.ledger.destinations import read_destination
from postback_pipeline.ledger.lists import among
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import QUEUED, history, postbacks, standings
from postback_pipeline.ledger.values import Claim
from postback_pipeline.model import Kind, State, postback_key

_P, _S = postbacks.c, standings.c
_NOW = bindparam("at_now", type_=Instant)
_OWNER = bindparam("by_owner", type_=Text)
_TAKEN = among(_S.id)

_DUE = (
    select(
        _S.id,
        _P.conversion_key,
        _P.revision,
        _P.kind,
        _P.element,
        _S.attempts,
        _S.round_unknown,
        as_given(_S.round_started_at),
        as_given(_S.due_at),
        as_given(_S.expires_at),
        _S.state,
    )
    .join(postbacks, _P.id == _S.id)
    .where(
        _S.destination == bindparam("of_destination"),
        QUEUED,
        _S.due_at <= _NOW,
        _S.expires_at > _NOW,
        # An unknown attempt is followed by another one only as long as the receiver recognises it.
        or_(_S.round_unknown == 0, _S.round_started_at > bindparam("recognised_since", type_=Instant)),
    )
    .order_by(_S.expires_at, _S.due_at, _S.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, key_share=True, of=standings)
)

_UNDER_WAY = (
    select(_S.id)
    .where(
        _S.destination == bindparam("of_destination"),
        _S.state == State.SENDING.value,
        _S.lease_until > _NOW,
    )
    .limit(1)
)

_HISTORY = insert(history).from_select(
    ["at", "postback_id", "from_state", "to_state", "attempt", "actor"],
    select(_NOW, _S.id, _S.state, literal(State.SENDING.value), _S.attempts + 1, _OWNER).where(_TAKEN),
)

_TAKE = (
    update(standings)
    .where(_TAKEN)
    .values(
        state=State.SENDING.value,
        reason=None,
        changed_at=_NOW,
        attempts=_S.attempts + 1,
        round_attempts=_S.round_attempts + bindparam("counts", type_=Integer),
        round_started_at=func.coalesce(_S.round_started_at, _NOW),
        token=bindparam("batch", type_=Text) + cast(_S.id, String),
        owner=_OWNER,
        lease_until=bindparam("until", type_=Instant),
    )
)

_HELD = (
    select(_S.id, _S.token)
    .where(_TAKEN, _S.state == State.SENDING.value)
    .order_by(_S.id)
    .with_for_update(key_share=True)
)

_EXTEND = update(standings).where(_TAKEN).values(lease_until=bindparam("until", type_=Instant))

_KINDS = {kind.value: kind for kind in Kind}
_STATES = {state.value: state for state in State}


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
    limit = min(limit, _most_claims(connection, destination, now))
    if limit == 0:
        return []
    found: Sequence[tuple[Any, ...]] = connection.execute(
        _DUE,
        {
            "of_destination": destination,
            "at_now": now,
            "recognised_since": _recognised_since(rules, now),
            "at_most": limit,
        },
    ).all()
    if not found:
        return []
    lease_until = now + timedelta(seconds=lease_seconds)
    batch = take(connection, [row[0] for row in found], owner=owner, lease_until=lease_until, now=now)
    return [
        # By position: this line is run for every attempt.
        Claim(
            postback_id,
            destination,
            conversion_key,
            _KINDS[kind],
            element,
            postback_key(conversion_key, revision),
            f"{batch}{postback_id}",
            attempts + 1,
            read_instant(due_at),
            _recognised_until(round_started_at, expires_at, rules) if round_unknown else read_deadline(expires_at),
            lease_until,
            _STATES[state],
            owner,
        )
        for (
            postback_id,
            conversion_key,
            revision,
            kind,
            element,
            attempts,
            round_unknown,
            round_started_at,
            due_at,
            expires_at,
            state,
        ) in found
    ]


def renew(connection: Connection, claims: Sequence[Claim], lease_seconds: float, now: datetime) -> list[Claim]:
    """Extends the leases that are still held, and returns those claims; the others must not be sent any more."""
    lease_until = now + timedelta(seconds=lease_seconds)
    found = connection.execute(_HELD, {"ids": [claim.postback_id for claim in claims]})
    tokens = {row.id: row.token for row in found}
    held = [claim for claim in claims if tokens.get(claim.postback_id) == claim.token]
    connection.execute(_EXTEND, {"ids": [claim.postback_id for claim in held], "until": lease_until})
    return [claim._replace(lease_until=lease_until) for claim in held]


def take(
    connection: Connection,
    ids: Sequence[int],
    *,
    owner: str,
    lease_until: datetime,
    now: datetime,
    counts: bool = True,
) -> str:
    """Begins an attempt at each of these postbacks, locked by the caller; returns what their tokens begin with.

    A token is that and the postback's id. An attempt that does not count is none of the round's budget.
    """
    batch = f"{token_hex(8)}-"
    taken = {"ids": ids, "at_now": now, "by_owner": owner}
    connection.execute(_HISTORY, taken)
    connection.execute(_TAKE, {**taken, "batch": batch, "until": lease_until, "counts": int(counts)})
    return batch


def _most_claims(connection: Connection, destination: str, now: datetime) -> int:
    """How many postbacks may leave now: none, one that probes an open breaker, or any number."""
    row = read_destination(connection, destination)
    if row is not None and row.trips > 0:
        # Of several workers only one sends the probe: the others wait here, and then see it under way.
        row = read_destination(connection, destination, lock=True)
    if row is None:
        return sys.maxsize
    if row.paused or (row.not_before is not None and row.not_before > now):
        return 0
    if row.trips == 0:
        return sys.maxsize
    return 0 if connection.execute(_UNDER_WAY, {"of_destination": destination, "at_now": now}).first() else 1


def _recognised_until(round_started_at: Any, expires_at: Any, rules: Rules) -> datetime | None:
    """When the receiver's window closes, or earlier when it forgets a round that has an attempt of unknown fate."""
    window_closes = read_deadline(expires_at)
    if rules.dedup_window is None:
        return window_closes
    forgets = read_instant(round_started_at) + rules.dedup_window
    return forgets if window_closes is None else min(window_closes, forgets)


def _recognised_since(rules: Rules, now: datetime) -> datetime:
    """The instant after which a round must have started for its unknown attempts to be recognised."""
    if not rules.deduplicates:
        return FOREVER
    if rules.dedup_window is None:
        return LONG_AGO
    return now - rules.dedup_window
