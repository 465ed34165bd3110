"""Writing down how attempts ended: attempts, history and postbacks, many at a time.

Belongs here: the statements. Does not belong here: whose result counts (`endings`), what it makes of a postback
(`machine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Row, Text, bindparam, case, func, insert, null, select, update

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.columns import Instant
from postback_pipeline.ledger.machine import Step, Transition
from postback_pipeline.ledger.outbox_rows import REASON_LENGTH, storable
from postback_pipeline.ledger.schema import attempts, history, postbacks
from postback_pipeline.ledger.values import Result
from postback_pipeline.model import Outcome, State

#: Bytes of a reply that are kept.
REPLY_BYTES = 2_048

_P = postbacks.c

_OF_IDS = _P.id.in_(bindparam("ids", expanding=True))
_RELEASED = bindparam("is_released", type_=Integer)
_UNKNOWN = bindparam("is_unknown", type_=Integer)

_HISTORY = insert(history).from_select(
    [
        "at",
        "postback_id",
        "from_state",
        "to_state",
        "attempt",
        "outcome",
        "phase",
        "http_status",
        "reason",
        "actor",
    ],
    select(
        bindparam("at_now", type_=Instant),
        _P.id,
        bindparam("of_state", type_=Text),
        bindparam("new_state", type_=Text),
        _P.attempts,
        bindparam("as_outcome", type_=Text),
        bindparam("in_phase", type_=Text),
        bindparam("with_status", type_=Integer),
        bindparam("new_reason", type_=Text),
        func.coalesce(bindparam("by_actor", type_=Text), _P.owner),
    ).where(_OF_IDS),
)

_CHANGE = (
    update(postbacks)
    .where(_OF_IDS)
    .values(
        state=bindparam("new_state", type_=Text),
        reason=bindparam("new_reason", type_=Text),
        changed_at=bindparam("at_now", type_=Instant),
        unknown_attempts=_P.unknown_attempts + _UNKNOWN,
        round_attempts=_P.round_attempts - _RELEASED,
        round_unknown=_P.round_unknown + _UNKNOWN,
        # A round whose only attempt was released has not begun.
        round_started_at=case((_P.round_attempts <= _RELEASED, null()), else_=_P.round_started_at),
        token=None,
        owner=None,
        lease_until=None,
    )
)

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
    #: No byte was sent, so the attempt gives back what it took from the round's budget.
    released: bool = False


@dataclass(frozen=True, slots=True)
class _Alike:
    """What endings share that can be written with the same statements."""

    steps: tuple[Step, ...]
    outcome: Outcome
    phase: str | None
    http_status: int | None
    released: bool


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


def note_late(connection: Connection, results: Sequence[Result]) -> None:
    """Writes results that came after their lease was lost into their attempts; no state changes."""
    for chunk in chunks(results):
        connection.execute(_SET_ATTEMPT, [_attempt_values(result, result.outcome, stale=True) for result in chunk])


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
        connection.execute(
            _HISTORY,
            {
                "ids": ids,
                "at_now": now,
                "of_state": before.value,
                "new_state": step.to_state.value,
                "as_outcome": kind.outcome.value if first else None,
                "in_phase": kind.phase if first else None,
                "with_status": kind.http_status if first else None,
                "new_reason": _text(step.reason, REASON_LENGTH),
                "by_actor": actor,
            },
        )
        before = step.to_state


def _change_postbacks(connection: Connection, ids: list[int], kind: _Alike, now: datetime) -> None:
    last = kind.steps[-1]
    connection.execute(
        _CHANGE,
        {
            "ids": ids,
            "at_now": now,
            "new_state": last.to_state.value,
            "new_reason": _text(last.reason, REASON_LENGTH),
            "is_unknown": int(kind.outcome is Outcome.UNKNOWN),
            "is_released": int(kind.released),
        },
    )


def _text(text: str | None, length: int) -> str | None:
    return storable(text, length) if text else None
