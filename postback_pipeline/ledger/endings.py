"""Whose result counts: only the holder of a claim's token decides what becomes of its postback.

Belongs here: fencing of outcomes from workers and from the sweep, releases, late results. Does not belong here: what
an outcome makes of a postback (`machine`), the statements that write it (`settlement`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from random import random
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from postback_pipeline.ledger import receipts
from postback_pipeline.ledger.columns import as_given, read_instant
from postback_pipeline.ledger.lists import among
from postback_pipeline.ledger.machine import (
    LEASE_EXPIRED,
    RELEASED,
    Standing,
    Step,
    Transition,
    after_attempt,
    depends_on_result_alone,
)
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import attempts, destinations, standings
from postback_pipeline.ledger.settlement import Groups, note_late, row_of, settle
from postback_pipeline.ledger.values import Claim, Recorded, Result
from postback_pipeline.model import Outcome, State

_S = standings.c
_IS_SENDING = State.SENDING.value

_SENDING = (
    select(
        _S.id,
        _S.state,
        _S.token,
        _S.unknown_attempts,
        _S.round_attempts,
        as_given(_S.round_started_at),
    )
    .where(among(_S.id))
    # Everybody locks in the same order.
    .order_by(_S.id)
    .with_for_update(key_share=True)
)


_STANDING = (
    select(destinations.c.paused, destinations.c.not_before, destinations.c.trips)
    .join(standings, _S.destination == destinations.c.name)
    .where(_S.id == bindparam("of_id"))
)


def record(connection: Connection, results: Sequence[Result], *, rules: Rules, now: datetime) -> Recorded:
    """Records outcomes of one destination; those that came after their lease was lost change no state."""
    held, late = fence(connection, results)
    settle(connection, _end(held, rules, now), now=now)
    if rules.judges_later:
        receipts.note(connection, [result for _, result in held], now)
    lost = record_late(connection, late)
    of_id = results[0].postback_id if results else None
    standing = connection.execute(_STANDING, {"of_id": of_id}).one_or_none()
    if standing is None:
        return Recorded(lost)
    return Recorded(lost, standing.paused, standing.not_before, standing.trips)


def release(connection: Connection, claims: Sequence[Claim], refusals: Sequence[Result], now: datetime) -> None:
    """Puts claimed postbacks that nobody has judged back to where they were; without a refusal no byte was sent."""
    refused = {result.token: result for result in refusals}
    held, late = fence(
        connection,
        [
            refused.get(claim.token) or Result(claim.postback_id, claim.token, Outcome.NOT_SENT, now, reason=RELEASED)
            for claim in claims
        ],
    )
    mine = {claim.token: claim for claim in claims}
    groups = Groups()
    for _, result in held:
        claim = mine[result.token]
        back = Transition(result.outcome, (Step(claim.claimed_from, result.reason),))
        groups.add(result, back, released=claim.counts)
    settle(connection, groups, now=now)
    record_late(connection, late)


def lapse(connection: Connection, ids: Collection[int], *, rules: Rules, actor: str, now: datetime) -> None:
    """Ends attempts whose lease ran out as unknown. Their postbacks are `sending` and locked by the caller."""
    groups = Groups()
    for row in _read_sending(connection, ids):
        result = Result(row.id, row.token, Outcome.UNKNOWN, now, reason=LEASE_EXPIRED)
        groups.add(result, _transition(row, result, rules, now))
    settle(connection, groups, now=now, actor=actor)


def fence(connection: Connection, results: Sequence[Result]) -> tuple[list[tuple[Row[Any], Result]], list[Result]]:
    """Locks the postbacks; parts results into those whose token still holds its postback, with its row, and others."""
    ids = {result.postback_id for result in results}
    # By position: these lines are run for every attempt.
    rows: dict[str, Any] = {row[2]: row for row in _read_sending(connection, ids) if row[1] == _IS_SENDING}
    held, late = [], []
    for result in results:
        # Taken out: of two results for one claim the first one counts. A token is one postback's.
        row = rows.get(result.token)
        if row is not None and row[0] == result.postback_id:
            del rows[result.token]
            held.append((row, result))
        else:
            late.append(result)
    return held, late


def _read_sending(connection: Connection, ids: Collection[int]) -> Sequence[Any]:
    """Postbacks by id, locked."""
    return connection.execute(_SENDING, {"ids": ids}).all()


def _end(held: Sequence[tuple[Row[Any], Result]], rules: Rules, now: datetime) -> Groups:
    groups = Groups()
    #: Where the standing does not matter, what was found for the first of many alike.
    alike: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row, result in held:
        if not depends_on_result_alone(result):
            groups.add(result, _transition(row, result, rules, now))
            continue
        said = (result.outcome, result.reason, result.phase, result.http_status)
        group = alike.get(said)
        if group is None:
            alike[said] = groups.add(result, _transition(row, result, rules, now))
        else:
            group.append(row_of(result))
    return groups


def _transition(row: Row[Any], result: Result, rules: Rules, now: datetime) -> Transition:
    standing = Standing(row.unknown_attempts, row.round_attempts, read_instant(row.round_started_at))
    return after_attempt(result, standing, rules, now=now, chance=random())  # noqa: S311


def record_late(connection: Connection, late: Sequence[Result]) -> int:
    """Notes results whose lease was lost, and returns how many they are; one that is recorded already is none."""
    recorded: dict[tuple[int, str], Row[Any]] = {}
    if late:
        query = select(attempts).where(among(attempts.c.postback_id))
        found = connection.execute(query, {"ids": {result.postback_id for result in late}})
        recorded = {(row.postback_id, row.token): row for row in found}
    attempted = [(result, recorded.get((result.postback_id, result.token))) for result in late]
    lost = [(result, row) for result, row in attempted if row is None or not _is_repeated(result, row)]
    # What the holder itself reported stands; what was only assumed gives way to what really happened.
    note_late(connection, [result for result, row in lost if row and row.reason in (LEASE_EXPIRED, RELEASED)])
    return len(lost)


def _is_repeated(result: Result, row: Row[Any]) -> bool:
    """Whether the same was said before, as by a worker that could not know whether its first try was committed."""
    same_time = row.finished_at == result.finished_at or result.reason == RELEASED
    return same_time and not row.stale and row.reason == (result.reason or None)
