"""Recording how attempts ended: only the holder of a claim's token changes its postback.

Belongs here: outcomes from workers and from the sweep, releases, late writes. Does not belong here: what an outcome
makes of a postback (`machine`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any

from sqlalchemy import Connection, Integer, Row, Text, bindparam, case, insert, literal, null, select, update

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.machine import RELEASED, Standing, Step, Transition, after_attempt
from postback_pipeline.ledger.outbox_rows import REASON_LENGTH, storable
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import attempts, history, postbacks
from postback_pipeline.ledger.values import Claim, Result
from postback_pipeline.model import Outcome, State

#: Bytes of a reply that are kept.
REPLY_BYTES = 2_048

_P = postbacks.c
_chance = SystemRandom()

_SENDING = select(
    _P.id,
    _P.state,
    _P.token,
    _P.unknown_attempts,
    _P.round_attempts,
    _P.round_started_at,
).order_by(_P.id)

_SET_DUE_AT = (
    update(postbacks).where(_P.id == bindparam("of_id")).values(due_at=bindparam("to_due_at", type_=_P.due_at.type))
)

_SET_ATTEMPT = (
    update(attempts)
    .where(attempts.c.postback_id == bindparam("of_id"), attempts.c.token == bindparam("of_token"))
    .values(
        {
            column: bindparam(f"to_{column}", type_=attempts.c[column].type)
            for column in (
                "finished_at",
                "outcome",
                "duplicate",
                "phase",
                "http_status",
                "reason",
                "reply_head",
                "retry_after",
                "stale",
            )
        }
    )
)


@dataclass(frozen=True, slots=True)
class Ending:
    """One attempt's end, what it makes of its postback, and the postback's row as it was while being sent."""

    row: Row[Any]
    result: Result
    transition: Transition
    #: No byte was sent and the attempt counts nowhere.
    released: bool = False


@dataclass(frozen=True, slots=True)
class _Alike:
    """What endings share that can be written with the same statements."""

    steps: tuple[Step, ...]
    outcome: Outcome
    phase: str | None
    http_status: int | None
    released: bool


def record(connection: Connection, results: Sequence[Result], *, rules: Rules, now: datetime) -> int:
    """Records outcomes; returns how many came after their lease was lost (they change no state)."""
    held, late = _fence(connection, results)
    settle(connection, [_ending(row, result, rules, now) for row, result in held], now=now)
    return _record_late(connection, late)


def release(connection: Connection, claims: Sequence[Claim], now: datetime) -> None:
    """Puts claimed postbacks of which no byte was sent back to where they were."""
    origins = {claim.token: claim.claimed_from for claim in claims}
    results = [Result(claim.postback_id, claim.token, Outcome.NOT_SENT, now, reason=RELEASED) for claim in claims]
    held, late = _fence(connection, results)
    endings = [
        Ending(
            row,
            result,
            Transition(Outcome.NOT_SENT, (Step(origins[result.token], RELEASED),)),
            released=True,
        )
        for row, result in held
    ]
    settle(connection, endings, now=now)
    _record_late(connection, late)


def lapse(
    connection: Connection, rows: Iterable[Row[Any]], *, rules: Rules, reason: str, now: datetime
) -> list[Ending]:
    """Ends the attempts of `sending` rows, locked by the caller, as unknown."""
    results = ((row, Result(row.id, row.token, Outcome.UNKNOWN, now, reason=reason)) for row in rows)
    endings = [_ending(row, result, rules, now) for row, result in results]
    settle(connection, endings, now=now, actor="sweep")
    return endings


def settle(connection: Connection, endings: Sequence[Ending], *, now: datetime, actor: str | None = None) -> None:
    """Writes attempts, history and postbacks; the actor is the claim's owner unless another one is named.

    The caller holds the rows and has checked the tokens.
    """
    alike: dict[_Alike, list[int]] = {}
    for ending in endings:
        alike.setdefault(_alike(ending), []).append(ending.row.id)
    for kind, members in alike.items():
        for ids in chunks(members):
            _append_history(connection, ids, kind, actor, now)
            _change_postbacks(connection, ids, kind, now)
    for chunk in chunks(endings):
        retries = [
            {"of_id": ending.row.id, "to_due_at": ending.transition.due_at}
            for ending in chunk
            if ending.transition.due_at is not None
        ]
        if retries:
            connection.execute(_SET_DUE_AT, retries)
        connection.execute(
            _SET_ATTEMPT, [_attempt_values(ending.result, ending.transition.outcome) for ending in chunk]
        )


def sending_rows(ids: Collection[int]) -> Any:
    """The query for rows as `Ending` needs them."""
    return _SENDING.where(_P.id.in_(ids))


def _fence(connection: Connection, results: Sequence[Result]) -> tuple[list[tuple[Row[Any], Result]], list[Result]]:
    """Splits results into those whose token still holds its postback, with its row, and the others."""
    held, late = [], []
    for chunk in chunks(results):
        ids = {result.postback_id for result in chunk}
        query = sending_rows(ids).with_for_update(key_share=True)
        rows = {row.id: row for row in connection.execute(query)}
        for result in chunk:
            row = rows.get(result.postback_id)
            if row is not None and row.state == State.SENDING and row.token == result.token:
                held.append((row, result))
                # A second result for the same claim comes too late.
                del rows[result.postback_id]
            else:
                late.append(result)
    return held, late


def _ending(row: Row[Any], result: Result, rules: Rules, now: datetime) -> Ending:
    standing = Standing(row.unknown_attempts, row.round_attempts, row.round_started_at)
    return Ending(row, result, after_attempt(result, standing, rules, now=now, chance=_chance.random()))


def _record_late(connection: Connection, late: Sequence[Result]) -> int:
    """Notes results that came too late in their attempts' rows; one that is recorded already is no late one."""
    if not late:
        return 0
    recorded: dict[tuple[int, str], Row[Any]] = {}
    for chunk in chunks(late):
        query = select(attempts).where(attempts.c.postback_id.in_({result.postback_id for result in chunk}))
        recorded.update({(row.postback_id, row.token): row for row in connection.execute(query)})
    stale = []
    for result in late:
        row = recorded.get((result.postback_id, result.token))
        if row is None or row.stale or row.finished_at != result.finished_at or row.reason != (result.reason or None):
            stale.append(result)
    for chunk in chunks(stale):
        connection.execute(_SET_ATTEMPT, [_attempt_values(result, result.outcome, stale=True) for result in chunk])
    return len(stale)


def _attempt_values(result: Result, outcome: Outcome, *, stale: bool = False) -> dict[str, Any]:
    return {
        "of_id": result.postback_id,
        "of_token": result.token,
        "to_finished_at": result.finished_at,
        "to_outcome": outcome.value,
        "to_duplicate": result.duplicate,
        "to_phase": result.phase.value if result.phase else None,
        "to_http_status": result.http_status,
        "to_reason": _text(result.reason, REASON_LENGTH),
        "to_reply_head": _text(result.reply_head, REPLY_BYTES),
        "to_retry_after": result.retry_after,
        "to_stale": stale,
    }


def _alike(ending: Ending) -> _Alike:
    result, transition = ending.result, ending.transition
    phase = result.phase.value if result.phase else None
    return _Alike(transition.steps, transition.outcome, phase, result.http_status, ending.released)


def _append_history(connection: Connection, ids: list[int], kind: _Alike, actor: str | None, now: datetime) -> None:
    before = State.SENDING
    for number, step in enumerate(kind.steps):
        # The outcome belongs to the first step: counting outcomes counts attempts.
        first = number == 0
        values = {
            "at": literal(now, history.c.at.type),
            "postback_id": _P.id,
            "from_state": literal(before.value),
            "to_state": literal(step.to_state.value),
            "attempt": _P.attempts,
            "outcome": literal(kind.outcome.value if first else None, Text),
            "phase": literal(kind.phase if first else None, Text),
            "http_status": literal(kind.http_status if first else None, Integer),
            "reason": literal(_text(step.reason, REASON_LENGTH), Text),
            "actor": _P.owner if actor is None else literal(actor),
        }
        entries = select(*values.values()).where(_P.id.in_(ids))
        connection.execute(insert(history).from_select(list(values), entries))
        before = step.to_state


def _change_postbacks(connection: Connection, ids: list[int], kind: _Alike, now: datetime) -> None:
    unknown = int(kind.outcome is Outcome.UNKNOWN)
    released = int(kind.released)
    # A round whose only attempt was released has not begun.
    begun = case((_P.round_attempts <= released, null()), else_=_P.round_started_at)
    last = kind.steps[-1]
    connection.execute(
        update(postbacks)
        .where(_P.id.in_(ids))
        .values(
            state=last.to_state.value,
            reason=_text(last.reason, REASON_LENGTH),
            changed_at=now,
            unknown_attempts=_P.unknown_attempts + unknown,
            round_attempts=_P.round_attempts - released,
            round_unknown=_P.round_unknown + unknown,
            round_started_at=begun,
            token=None,
            owner=None,
            lease_until=None,
        )
    )


def _text(text: str | None, length: int) -> str | None:
    return storable(text, length) if text else None
