"""The history as the warehouse copies it: one row per change of state, in the shape of `raw.ledger_history`.

Belongs here: reading the history in order. Does not belong here: writing it (`moves`, `settlement`, `claims`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.schema import history, postbacks

_H, _P = history.c, postbacks.c

_ROWS = (
    select(
        _H.seq,
        _H.at,
        _H.postback_id,
        _P.destination,
        _P.conversion_key,
        _P.event_name,
        _P.revision,
        _P.kind,
        _P.value,
        _P.previous_value,
        _P.currency,
        _P.fingerprint,
        _P.transaction_id,
        _P.click_id,
        _P.event_time,
        _P.action_at,
        _P.definition_version,
        _P.exchange_rate,
        _H.from_state,
        _H.to_state,
        _H.attempt,
        _H.outcome,
        _H.phase,
        _H.http_status,
        _H.reason,
        _H.actor,
    )
    .join(postbacks, _P.id == _H.postback_id)
    .order_by(_H.seq)
)


def read_history(database: Database, after_seq: int, batch: int) -> Iterator[list[dict[str, Any]]]:
    """Changes of state with a `seq` above `after_seq`, oldest first, in lists of up to `batch` rows."""
    while True:
        with database.reading() as connection:
            found = connection.execute(_ROWS.where(_H.seq > after_seq).limit(batch)).mappings().all()
        if not found:
            return
        yield [dict(row) for row in found]
        after_seq = found[-1]["seq"]
