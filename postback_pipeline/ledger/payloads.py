"""Erasing payloads: they may hold what a receiver needs in clear, and are kept only as long as they are needed.

Belongs here: the erasure. Does not belong here: when it is time (the caller knows the receivers' windows).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from postback_pipeline.ledger.chunks import CHUNK
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.model import State

#: Nothing is sent from these any more, unless a person replays one.
FINAL_STATES = (
    State.ACCEPTED,
    State.PROCESSED,
    State.REJECTED,
    State.SUPERSEDED,
    State.CANCELLED,
    State.EXPIRED,
)

_P, _S = postbacks.c, standings.c


def erase_payloads(database: Database, before: datetime) -> int:
    """Erases the elements of postbacks that are final since before this instant; returns how many.

    Their hashes stay. An erased postback can no longer be replayed. Small transactions: it may be stopped and repeated.
    """
    erased, last = 0, 0
    while True:
        query = (
            select(_P.id)
            .join(standings, _S.id == _P.id)
            .where(
                _P.id > last,
                _P.element.is_not(None),
                _S.state.in_([state.value for state in FINAL_STATES]),
                _S.changed_at < before,
            )
            .order_by(_P.id)
            .limit(CHUNK)
        )
        with database.reading() as connection:
            ids: list[int] = list(connection.execute(query).scalars())
        if not ids:
            return erased
        with database.writing() as connection:
            if database.sqlite:
                # Otherwise the bytes would stay in the file until something else is written there.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            # Once more with the condition: a person may have replayed one since.
            final = select(_S.id).where(_S.id.in_(ids), _S.state.in_([state.value for state in FINAL_STATES]))
            final = final.order_by(_S.id).with_for_update(key_share=True)
            still: list[int] = list(connection.execute(final).scalars())
            done = connection.execute(update(postbacks).where(_P.id.in_(still)).values(element=None))
        erased += done.rowcount
        last = ids[-1]
