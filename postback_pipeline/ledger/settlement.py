"""Writing down how attempts ended: attempts, history and standings, many at a time.

Belongs here: the statements. Does not belong here: whose result counts (`endings`), what it makes of a postback
(`machine`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    Text,
    bindparam,
    case,
    false,
    func,
    insert,
    null,
    select,
    update,
)

from postback_pipeline.ledger.columns import Instant, instant_text
from postback_pipeline.ledger.lists import among, item, listed_rows
from postback_pipeline.ledger.machine import Step, Transition
from postback_pipeline.ledger.outbox_rows import REASON_LENGTH, storable
from postback_pipeline.ledger.schema import attempts, history, standings
from postback_pipeline.ledger.values import Result
from postback_pipeline.model import Outcome, Phase, State

#: Bytes of a reply that are kept.
REPLY_BYTES = 2_048

_S = standings.c

_OF_IDS = among(_S.id)
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
        _S.id,
        bindparam("of_state", type_=Text),
        bindparam("new_state", type_=Text),
        _S.attempts,
        bindparam("as_outcome", type_=Text),
        bindparam("in_phase", type_=Text),
        bindparam("with_status", type_=Integer),
        bindparam("new_reason", type_=Text),
        func.coalesce(bindparam("by_actor", type_=Text), _S.owner),
    ).where(_OF_IDS),
)

_CHANGE = (
    update(standings)
    .where(_OF_IDS)
    .values(
        state=bindparam("new_state", type_=Text),
        reason=bindparam("new_reason", type_=Text),
        changed_at=bindparam("at_now", type_=Instant),
        unknown_attempts=_S.unknown_attempts + _UNKNOWN,
        round_attempts=_S.round_attempts - _RELEASED,
        round_unknown=_S.round_unknown + _UNKNOWN,
        # A round whose only attempt was released has not begun.
        round_started_at=case((_S.round_attempts <= _RELEASED, null()), else_=_S.round_started_at),
        token=None,
        owner=None,
        lease_until=None,
    )
)

_LISTED = listed_rows()
_LISTED_ID = item(_LISTED, 0, BigInteger())

_SET_DUE_AT = update(standings).where(_S.id == _LISTED_ID).values(due_at=item(_LISTED, 1, Instant()))

#: What an attempt's end says of it.
_ENDING = (
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

#: The attempt began when its postback changed last. Read before that changes again.
_ATTEMPTS = insert(attempts).from_select(
    ["postback_id", "number", "token", "owner", "started_at", *_ENDING],
    select(
        _S.id,
        _S.attempts,
        _S.token,
        _S.owner,
        _S.changed_at,
        item(_LISTED, 1, Instant()),
        bindparam("as_outcome", type_=Text),
        bindparam("is_duplicate", type_=Boolean),
        bindparam("in_phase", type_=Text),
        bindparam("with_status", type_=Integer),
        bindparam("of_result", type_=Text),
        item(_LISTED, 2, Text()),
        item(_LISTED, 3, Instant()),
        false(),
    ).select_from(_LISTED.join(standings, _S.id == _LISTED_ID)),
)

_SET_ATTEMPT = (
    update(attempts)
    .where(attempts.c.postback_id == bindparam("of_id"), attempts.c.token == bindparam("of_token"))
    .values({column: bindparam(f"to_{column}", type_=attempts.c[column].type) for column in _ENDING})
)


class Manner(NamedTuple):
    """What endings share that can be written with the same statements."""

    steps: tuple[Step, ...]
    #: How the attempts are recorded.
    outcome: Outcome
    duplicate: bool
    phase: Phase | None
    http_status: int | None
    #: What the receiver, or we, said about it.
    reason: str
    #: The attempt tells nothing about its postback, so it gives back what it took from the round's budget.
    released: bool


class Groups:
    """Endings by what they share. The caller has checked that each result's token holds its postback."""

    def __init__(self) -> None:
        self._members: dict[Manner, list[tuple[Any, ...]]] = {}
        #: Of those that will be tried again: id and instant.
        self.retries: list[tuple[int, str]] = []

    def add(self, result: Result, transition: Transition, *, released: bool = False) -> list[tuple[Any, ...]]:
        """Adds one, and returns the group for further ones that end in just the same way (`row_of`)."""
        manner = Manner(
            transition.steps,
            transition.outcome,
            result.duplicate,
            result.phase,
            result.http_status,
            result.reason,
            released,
        )
        members = self._members.setdefault(manner, [])
        members.append(row_of(result))
        if transition.due_at is not None:
            self.retries.append((result.postback_id, instant_text(transition.due_at)))
        return members

    def __iter__(self) -> Iterator[tuple[Manner, list[tuple[Any, ...]]]]:
        """Each group."""
        return iter(self._members.items())


def row_of(result: Result) -> tuple[Any, ...]:
    """What of a result is its own."""
    return (
        result.postback_id,
        instant_text(result.finished_at),
        _text(result.reply_head, REPLY_BYTES),
        None if result.retry_after is None else instant_text(result.retry_after),
    )


def settle(connection: Connection, groups: Groups, *, now: datetime, actor: str | None = None) -> None:
    """Writes history, attempts and standings; the actor is the claim's owner unless another one is named.

    The caller holds the rows and has checked the tokens.
    """
    for manner, members in groups:
        ids = [row[0] for row in members]
        phase = manner.phase.value if manner.phase else None
        shared = {
            "ids": ids,
            "at_now": now,
            "as_outcome": manner.outcome.value,
            "in_phase": phase,
            "with_status": manner.http_status,
        }
        _append_history(connection, shared, manner.steps, actor)
        connection.execute(
            _ATTEMPTS,
            {
                **shared,
                "rows": members,
                "is_duplicate": manner.duplicate,
                "of_result": _text(manner.reason, REASON_LENGTH),
            },
        )
        _change_standings(connection, ids, manner, now)
    if groups.retries:
        connection.execute(_SET_DUE_AT, {"rows": groups.retries})


def note_late(connection: Connection, results: Sequence[Result]) -> None:
    """Writes results that came after their lease was lost into their attempts; no state changes."""
    if results:
        connection.execute(_SET_ATTEMPT, [_late_values(result) for result in results])


def _late_values(result: Result) -> dict[str, Any]:
    return {
        "of_id": result.postback_id,
        "of_token": result.token,
        "to_finished_at": result.finished_at,
        "to_outcome": result.outcome.value,
        "to_duplicate": result.duplicate,
        "to_phase": result.phase.value if result.phase else None,
        "to_http_status": result.http_status,
        "to_reason": _text(result.reason, REASON_LENGTH),
        "to_reply_head": _text(result.reply_head, REPLY_BYTES),
        "to_retry_after": result.retry_after,
        "to_stale": True,
    }


def _append_history(connection: Connection, shared: dict[str, Any], steps: tuple[Step, ...], actor: str | None) -> None:
    before = State.SENDING
    for step in steps:
        connection.execute(
            _HISTORY,
            {
                **shared,
                "of_state": before.value,
                "new_state": step.to_state.value,
                "new_reason": _text(step.reason, REASON_LENGTH),
                "by_actor": actor,
            },
        )
        before = step.to_state
        # The outcome belongs to the first step: counting outcomes counts attempts.
        shared = {**shared, "as_outcome": None, "in_phase": None, "with_status": None}


def _change_standings(connection: Connection, ids: list[int], manner: Manner, now: datetime) -> None:
    last = manner.steps[-1]
    connection.execute(
        _CHANGE,
        {
            "ids": ids,
            "at_now": now,
            "new_state": last.to_state.value,
            "new_reason": _text(last.reason, REASON_LENGTH),
            "is_unknown": int(manner.outcome is Outcome.UNKNOWN),
            "is_released": int(manner.released),
        },
    )


def _text(text: str | None, length: int) -> str | None:
    if not text:
        return None
    # Nearly all are plain and short.
    return text if text.isascii() and len(text) <= length and "\0" not in text else storable(text, length)
