"""What a previous sender already reported -> accepted first revisions, so that adjustments find what they adjust.

Belongs here: the import. Does not belong here: reading the file it comes from (the command line).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.destinations import lock_destination
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.facts import facts_columns
from postback_pipeline.ledger.moves import record_births, stand
from postback_pipeline.ledger.outbox_rows import flaw
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.ledger.stories import ImportReport, Reported
from postback_pipeline.model import Desired, Facts, Kind, State

_P = postbacks.c


def import_reported(
    connection: Connection, rows: Iterable[Reported], *, actor: str, reason: str, now: datetime
) -> ImportReport:
    """Writes revision 1, accepted and without attempts, of every conversion that the ledger does not know there.

    Raises:
        LedgerError: a row is malformed or stands there twice. Nothing was imported.
    """
    by_destination: dict[str, dict[str, Reported]] = {}
    for number, row in enumerate(rows, start=1):
        why = flaw(_as_desired(row))
        if why is None and row.conversion_key in by_destination.get(row.destination, {}):
            why = f"The conversion {row.conversion_key} of {row.destination} stands there twice."
        if why is not None:
            raise LedgerError(f"Row {number} of the import: {why} Nothing was imported.")
        by_destination.setdefault(row.destination, {})[row.conversion_key] = row
    inserted = known = 0
    for destination, reported in sorted(by_destination.items()):
        lock_destination(connection, destination)
        new = _unknown(connection, destination, reported)
        last: int = connection.execute(select(func.max(_P.id))).scalar_one() or 0
        for chunk in chunks(new):
            connection.execute(insert(postbacks), [_columns(row, now) for row in chunk])
        stand(connection, destination, last, State.ACCEPTED, reason=reason, now=now)
        record_births(connection, destination, last, actor=actor)
        inserted += len(new)
        known += len(reported) - len(new)
    return ImportReport(inserted, known)


def _unknown(connection: Connection, destination: str, reported: dict[str, Reported]) -> Sequence[Reported]:
    held: set[str] = set()
    for chunk in chunks(reported):
        query = select(_P.conversion_key).where(_P.destination == destination, _P.conversion_key.in_(chunk))
        held.update(connection.execute(query).scalars())
    return [row for key, row in reported.items() if key not in held]


def _as_desired(row: Reported) -> Desired:
    return Desired(
        destination=row.destination,
        conversion_key=row.conversion_key,
        event_name=row.event_name,
        desired_value=row.value,
        currency=row.currency,
        # As the warehouse names beliefs, so that it sees that nothing is left to tell.
        fingerprint=f"{row.value:.4f} {row.currency}",
        computed_against=0,
        reason_code="imported",
        facts=Facts(
            receiver_event="",
            event_id=None,
            transaction_id=row.transaction_id,
            action_at=row.event_time,
            event_time=row.event_time,
            click_id=row.click_id,
            clicked_at=None,
            identifiers=row.identifiers,
        ),
    )


def _columns(row: Reported, now: datetime) -> dict[str, Any]:
    desired = _as_desired(row)
    return {
        "destination": desired.destination,
        "conversion_key": desired.conversion_key,
        "event_name": desired.event_name,
        "revision": 1,
        "kind": Kind.CONVERSION.value,
        "value": desired.desired_value,
        "currency": desired.currency,
        "fingerprint": desired.fingerprint,
        "reason_code": desired.reason_code,
        **facts_columns(desired.facts),
        "origin": "import",
        "created_at": now,
        "element": None,
        "element_hash": hashlib.sha256(b"").hexdigest(),
    }
