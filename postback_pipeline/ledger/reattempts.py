"""Trying again at once, inside one claim: a batch that was refused as a whole goes out in parts.

Belongs here: the end of one attempt and the beginning of the next one, in one transaction. Does not belong here: how
a batch is parted (delivery).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from postback_pipeline.ledger.claims import take
from postback_pipeline.ledger.endings import fence, record_late
from postback_pipeline.ledger.machine import Step, Transition
from postback_pipeline.ledger.settlement import Groups, settle
from postback_pipeline.ledger.values import Claim, Result
from postback_pipeline.model import Outcome, State


def reattempt(
    connection: Connection, results: Sequence[Result], claims: Sequence[Claim], lease_until: datetime, now: datetime
) -> list[Claim]:
    """Ends each claim's attempt by its result and begins the next one; returns the new claims, in the same order.

    The claims are one worker's.

    Raises:
        ValueError: a result says something else than "no, but not for good", or belongs to none of the claims.
    """
    mine = {claim.token: claim for claim in claims}
    for result in results:
        if result.outcome is not Outcome.REJECTED or result.final or result.duplicate or result.token not in mine:
            raise ValueError(f"The attempt at postback {result.postback_id} was not refused with its batch.")
    held, late = fence(connection, results)
    groups = Groups()
    for _, result in held:
        groups.add(result, Transition(Outcome.REJECTED, (Step(State.RETRY, result.reason),)))
    settle(connection, groups, now=now)
    record_late(connection, late)
    ids = [result.postback_id for _, result in held]
    batch = take(connection, ids, owner=claims[0].owner, lease_until=lease_until, now=now, counts=False)
    return [
        claim._replace(
            token=f"{batch}{claim.postback_id}",
            attempt=claim.attempt + 1,
            lease_until=lease_until,
            claimed_from=State.RETRY,
            counts=False,
        )
        for claim in (mine[result.token] for _, result in held)
    ]
