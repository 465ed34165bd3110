"""Whose result counts: only the holder of a claim's token decides what becomes of its postback.

Belongs here: fencing of outcomes from workers and from the sweep, releases, late results. Does not belong here: what
an outcome makes of a postback (`machine`), the statements that write it (`settlement`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from random import SystemRandom
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.machine import LEASE_EXPIRED, RELEASED, Standing, Step, Transition, after_attempt
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import attempts, destinations, postbacks
from postback_pipeline.ledger.settlement import Ending, note_late, settle
from postback_pipeline.ledger.values import Claim, Recorded, Result
from postback_pipeline.model import Outcome, State

_P = postbacks.c
_chance = SystemRandom()

_SENDING = (
    select(
        _P.id,
        _P.state,
        _P.token,
        _P.unknown_attempts,
        _P.round_attempts,
        _P.round_started_at,
    )
    .where(_P.id.in_(bindparam("ids", expanding=True)))
    # Everybody locks in the same order.
    .order_by(_P.id)
    .with_for_update(key_share=True)
)


_STANDING = (
    select(destinations.c.paused, destinations.c.not_before, destinations.c.trips)
    .join(postbacks, _P.destination == destinations.c.name)
    .where(_P.id == bindparam("of_id"))
)


def record(connection: Connection, results: Sequence[Result], *, rules: Rules, now: datetime) -> Recorded:
    """Records outcomes of one destination; those that came after their lease was lost change no state."""
    held, late = fence(connection, results)
    settle(connection, [_ending(row, result, rules, now) for row, result in held], now=now)
    lost = record_late(connection, late)
    of_id = next((row.id for row, _ in held), results[0].postback_id if results else None)
    standing = connection.execute(_STANDING, {"of_id": of_id}).one_or_none()
    if standing is None:
        return Recorded(lost)
    return Recorded(lost, standing.paused, standing.not_before, standing.trips)


def release(connection: Connection, claims: Sequence[Claim], now: datetime) -> None:
    """Puts claimed postbacks of which no byte was sent back to where they were."""
    origins = {claim.token: claim.claimed_from for claim in claims}
    results = [Result(claim.postback_id, claim.token, Outcome.NOT_SENT, now, reason=RELEASED) for claim in claims]
    held, late = fence(connection, results)
    counted = {claim.token: claim.counts for claim in claims}
    endings = [
        Ending(
            row,
            result,
            Transition(Outcome.NOT_SENT, (Step(origins[result.token], RELEASED),)),
            released=counted[result.token],
        )
        for row, result in held
    ]
    settle(connection, endings, now=now)
    record_late(connection, late)


def lapse(
    connection: Connection, rows: Iterable[Row[Any]], *, rules: Rules, reason: str, now: datetime
) -> list[Ending]:
    """Ends the attempts of `sending` rows, locked by the caller, as unknown."""
    results = ((row, Result(row.id, row.token, Outcome.UNKNOWN, now, reason=reason)) for row in rows)
    endings = [_ending(row, result, rules, now) for row, result in results]
    settle(connection, endings, now=now, actor="sweep")
    return endings


def read_sending(connection: Connection, ids: Collection[int]) -> list[Row[Any]]:
    """Postbacks by id as `Ending` needs them, locked."""
    return list(connection.execute(_SENDING, {"ids": list(ids)}))


def fence(connection: Connection, results: Sequence[Result]) -> tuple[list[tuple[Row[Any], Result]], list[Result]]:
    """Locks the postbacks; parts results into those whose token still holds its postback, with its row, and others."""
    held: dict[str, tuple[Row[Any], Result]] = {}
    late = []
    for chunk in chunks(results):
        rows = {row.id: row for row in read_sending(connection, {result.postback_id for result in chunk})}
        for result in chunk:
            row = rows.get(result.postback_id)
            holds = row is not None and row.state == State.SENDING and row.token == result.token
            # Of two results for one claim the first one counts.
            if row is not None and holds and result.token not in held:
                held[result.token] = (row, result)
            else:
                late.append(result)
    return list(held.values()), late


def _ending(row: Row[Any], result: Result, rules: Rules, now: datetime) -> Ending:
    standing = Standing(row.unknown_attempts, row.round_attempts, row.round_started_at)
    return Ending(row, result, after_attempt(result, standing, rules, now=now, chance=_chance.random()))


def record_late(connection: Connection, late: Sequence[Result]) -> int:
    """Notes results whose lease was lost, and returns how many they are; one that is recorded already is none."""
    recorded: dict[tuple[int, str], Row[Any]] = {}
    for chunk in chunks(late):
        query = select(attempts).where(attempts.c.postback_id.in_({result.postback_id for result in chunk}))
        recorded.update({(row.postback_id, row.token): row for row in connection.execute(query)})
    attempted = [(result, recorded.get((result.postback_id, result.token))) for result in late]
    lost = [(result, row) for result, row in attempted if row is None or not _is_repeated(result, row)]
    # What the holder itself reported stands; what was only assumed gives way to what really happened.
    note_late(connection, [result for result, row in lost if row and row.reason in (LEASE_EXPIRED, RELEASED)])
    return len(lost)


def _is_repeated(result: Result, row: Row[Any]) -> bool:
    """Whether the same was said before, as by a worker that could not know whether its first try was committed."""
    same_time = row.finished_at == result.finished_at or result.reason == RELEASED
    return same_time and not row.stale and row.reason == (result.reason or None)
