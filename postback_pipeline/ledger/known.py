"""Reading what the ledger holds of some conversions at one destination.

Belongs here: the query behind `decision.Known`. Does not belong here: what follows from it (`decision`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.decision import REPORTED_STATES, Known, Revision
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Kind, State

_P = postbacks.c
_REVISIONS = (
    select(
        _P.id,
        _P.conversion_key,
        _P.revision,
        _P.kind,
        _P.state,
        _P.value,
        _P.currency,
        _P.fingerprint,
        _P.unknown_attempts,
        _P.by_person,
        _P.attempts,
    )
    # The identity's index gives them in this order.
    .order_by(_P.conversion_key, _P.revision)
)


def read_known(connection: Connection, destination: str, keys: Collection[str]) -> dict[str, Known]:
    """What the ledger holds of each conversion; those it has never heard of are missing."""
    found: dict[str, Known] = {}
    for chunk in chunks(keys):
        query = _REVISIONS.where(_P.destination == destination, _P.conversion_key.in_(chunk))
        for row in connection.execute(query):
            revision = _revision(row)
            known = found.get(row.conversion_key, Known())
            reported = revision.state in REPORTED_STATES
            found[row.conversion_key] = Known(
                newest=revision,
                accepted=revision if reported else known.accepted,
                settled=revision if reported or row.attempts else known.settled,
            )
    return found


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        id=row.id,
        revision=row.revision,
        kind=Kind(row.kind),
        state=State(row.state),
        value=row.value,
        currency=row.currency,
        fingerprint=row.fingerprint,
        unknown_attempts=row.unknown_attempts,
        by_person=row.by_person,
    )
