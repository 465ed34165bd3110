"""Reading what the ledger holds of some conversions at one destination.

Belongs here: the queries behind `decision.Known` and behind a first glance at many. Does not belong here: what follows
from it (`decision`).

Keys of one destination that are asked for together mostly lie together, so a range of the identity's index is read
where it holds little else, and single keys where it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Row, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.decision import REPORTED_STATES, Known, Revision
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.model import Kind, State

#: Of a conversion's newest revision: number, kind, state, `by_person`, fingerprint.
Newest: TypeAlias = tuple[int, str, str, bool, str]

#: A range may hold so many revisions for each key that is asked for, and a few besides.
REVISIONS_PER_KEY = 3
REVISIONS_BESIDES = 200

_P, _S = postbacks.c, standings.c
_GLANCE = (_P.conversion_key, _P.revision, _P.kind, _S.state, _S.by_person, _P.fingerprint)
_REVISION = (*_GLANCE, _P.id, _P.value, _P.currency, _S.unknown_attempts, _S.attempts)


def read_newest(connection: Connection, destination: str, keys: Collection[str]) -> dict[str, Newest]:
    """The newest revision of each conversion, at a glance; those the ledger has never heard of are missing."""
    rows = _read(connection, _GLANCE, destination, keys)
    # Later revisions come later and stay.
    return {
        key: (revision, kind, state, by_person, fingerprint)
        for key, revision, kind, state, by_person, fingerprint in rows
    }


def read_known(connection: Connection, destination: str, keys: Collection[str]) -> dict[str, Known]:
    """What the ledger holds of each conversion; those it has never heard of are missing."""
    found: dict[str, Known] = {}
    wanted = frozenset(keys)
    for row in _read(connection, _REVISION, destination, keys):
        if row.conversion_key not in wanted:
            continue
        revision = _revision(row)
        known = found.get(row.conversion_key, Known())
        reported = revision.state in REPORTED_STATES
        found[row.conversion_key] = Known(
            newest=revision,
            accepted=revision if reported else known.accepted,
            settled=revision if reported or row.attempts else known.settled,
        )
    return found


def _read(
    connection: Connection, columns: Sequence[Column[Any]], destination: str, keys: Collection[str]
) -> Iterable[Any]:
    """Their revisions, each conversion's in order; perhaps also those of conversions between them."""
    if not keys:
        return ()
    revisions = (
        select(*columns)
        .select_from(postbacks.join(standings, _S.id == _P.id))
        .where(_P.destination == destination)
        .order_by(_P.conversion_key, _P.revision)
    )
    most = REVISIONS_PER_KEY * len(keys) + REVISIONS_BESIDES
    between = revisions.where(_P.conversion_key >= min(keys), _P.conversion_key <= max(keys)).limit(most + 1)
    found = connection.execute(between).all()
    if len(found) <= most:
        return found
    return (row for chunk in chunks(keys) for row in connection.execute(revisions.where(_P.conversion_key.in_(chunk))))


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
