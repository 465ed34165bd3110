"""Writing down how attempts ended: attempts, history and postbacks, many at a time.

Belongs here: the statements. Does not belong here: whose result counts (`endings`), what it makes of a postback
(`machine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Row, Text, bindparam, case, insert, literal, null, select, update

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.machine import Step, Transition
from postback_pipeline.ledger.outbox_rows import REASON_LENGTH, storable
from postback_pipeline.ledger.schema import attempts, history, postbacks
from postback_pipeline.ledger.values import Result
from postback_pipeline.model import Outcome, State

#: Bytes of a reply that are kept.
REPLY_BYTES = 2_048

_P = postbacks.c

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
