"""Receipts of receivers that judge later: what was accepted under one, when to ask for the verdict, and what it was.

Belongs here: these tables and what a verdict makes of the postbacks. Does not belong here: asking (`delivery`), what a
reply means (the adapter).

    processed    -> processed
    rejected     -> rejected
    pending      -> asked again, less and less often, for PATIENCE at most
    not found    -> the same
    no answer    -> asked again, less and less often, however long that goes on
    unconfirmed  -> stays accepted, and is not asked again: some were processed and nobody says which. What adjusts it
                    is parked (`sweep`), as that of anything accepted of which no verdict is awaited
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Exists, Row, and_, exists, func, insert, select, update

from postback_pipeline.ledger.moves import move
from postback_pipeline.ledger.schema import OPEN, receipt_members, receipts, standings
from postback_pipeline.ledger.values import Inquiry, Result
from postback_pipeline.model import Later, Outcome, State

#: When the receiver is asked first, how the wait grows, and how long it can be.
FIRST_AFTER = timedelta(minutes=2)
FACTOR = 2
LONGEST = timedelta(hours=6)
#: After so long the answer that it is not judged yet, or not known, leaves it unconfirmed. No answer at all never does.
PATIENCE = timedelta(days=14)
#: What is asked again, and by which reason it stays unconfirmed in the end.
_ASKED_AGAIN = {Later.PENDING: "no_verdict", Later.NOT_FOUND: "not_found"}
#: How long all that is due waits where the receiver does not answer.
DEFERRED = timedelta(minutes=15)
#: How the reason of what stays accepted begins where nobody confirms it. The warehouse tells it by this
#: (`processing_rate`): for a state of its own it differs too little from what is not judged yet.
UNCONFIRMED = "unconfirmed: "

_R, _M = receipts.c, receipt_members.c
_ACTOR = "receiver"


def note(connection: Connection, results: Sequence[Result], now: datetime) -> None:
    """Notes the receipts of acceptances at one destination, recorded just now by the holders of their claims."""
    taken = {
        result.postback_id: result.receipt
        for result in results
        if result.receipt and result.outcome is Outcome.ACCEPTED and not result.duplicate
    }
    if not taken:
        return
    one_of_them = next(iter(taken))
    destination = connection.scalar(select(standings.c.destination).where(standings.c.id == one_of_them))
    asked_first = {"destination": destination, "taken_at": now, "ask_at": now + FIRST_AFTER, "asked": 0}
    made = connection.execute(
        insert(receipts).returning(_R.id, _R.receipt),
        [{**asked_first, "receipt": receipt} for receipt in dict.fromkeys(taken.values())],
    )
    ids = {row.receipt: row.id for row in made}
    connection.execute(
        insert(receipt_members),
        [{"receipt_id": ids[receipt], "postback_id": postback_id} for postback_id, receipt in sorted(taken.items())],
    )


def due(connection: Connection, destination: str, limit: int, now: datetime) -> list[Inquiry]:
    """Up to `limit` receipts whose verdict should be asked for: those asked about least often, of these the oldest.

    By time alone, some that bring no answer whenever they are asked about would be the first of every round, end it,
    and have all the others deferred for good.
    """
    query = (
        select(_R.id, _R.receipt, func.count().label("postbacks"))
        .join(receipt_members, _M.receipt_id == _R.id)
        .where(_R.destination == destination, OPEN, _R.ask_at <= now)
        .group_by(_R.id, _R.receipt, _R.asked, _R.ask_at)
        .order_by(_R.asked, _R.ask_at, _R.id)
        .limit(limit)
    )
    return [Inquiry(row.id, row.receipt, row.postbacks) for row in connection.execute(query)]


def is_awaited(postback_id: ColumnElement[int]) -> Exists:
    """Whether a verdict on an accepted postback is still to come: some receipt of it is open."""
    return exists().where(_M.receipt_id == _R.id, _M.postback_id == postback_id, OPEN)


def defer(connection: Connection, destination: str, now: datetime) -> None:
    """Whatever of a destination is due is asked later."""
    due_now = (_R.destination == destination, OPEN, _R.ask_at <= now)
    connection.execute(update(receipts).where(*due_now).values(ask_at=now + DEFERRED))


def heed(connection: Connection, receipt_id: int, later: Later | None, reason: str, now: datetime) -> int:
    """What a verdict makes of the postbacks of a receipt; how many it moved. A second verdict moves none.

    None where there is no answer.
    """
    row = connection.execute(select(receipts).where(_R.id == receipt_id).with_for_update()).one()
    if row.ask_at is None:
        return 0
    if later in _ASKED_AGAIN and now - row.taken_at >= PATIENCE:
        later, reason = Later.UNCONFIRMED, _ASKED_AGAIN[later]
    if later is None or later in _ASKED_AGAIN:
        _ask_again(connection, row, now)
        return 0
    ids = _accepted(connection, receipt_id)
    state, said = _CONSEQUENCE[later], UNCONFIRMED + reason if later is Later.UNCONFIRMED else reason
    move(connection, ids, state, reason=said, actor=_ACTOR, now=now)
    connection.execute(update(receipts).where(_R.id == receipt_id).values(ask_at=None, asked=row.asked + 1))
    return len(ids)


_CONSEQUENCE = {
    Later.PROCESSED: State.PROCESSED,
    Later.REJECTED: State.REJECTED,
    Later.UNCONFIRMED: State.ACCEPTED,
}


def _ask_again(connection: Connection, row: Row[Any], now: datetime) -> None:
    wait = min(LONGEST, FIRST_AFTER * FACTOR ** min(row.asked + 1, 16))
    connection.execute(update(receipts).where(_R.id == row.id).values(ask_at=now + wait, asked=row.asked + 1))


def _accepted(connection: Connection, receipt_id: int) -> list[int]:
    """Those of a receipt that are still what it says."""
    accepted = and_(standings.c.id == _M.postback_id, standings.c.state == State.ACCEPTED.value)
    query = (
        select(_M.postback_id)
        .join(standings, accepted)
        .where(_M.receipt_id == receipt_id)
        .order_by(_M.postback_id)
        .with_for_update(of=standings, key_share=True)
    )
    return list(connection.scalars(query))
