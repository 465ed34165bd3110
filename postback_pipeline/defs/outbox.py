"""Reads `outbox.postbacks`, the contract between dbt and Python, as values.

Belongs here: column -> field. Does not belong here: any decision about a row. It lives beside the assets because they
alone read the warehouse between dbt and the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from postback_pipeline.model import Desired, Facts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_PER_READ = 5_000


def read_outbox(connection: DuckDBPyConnection) -> Iterator[Desired]:
    """Every row of the outbox, by destination and action time."""
    result = connection.execute("select * from outbox.postbacks order by destination, action_at, conversion_key")
    columns = [column[0] for column in result.description]
    while rows := result.fetchmany(ROWS_PER_READ):
        for row in rows:
            yield desired(dict(zip(columns, row, strict=True)))


def desired(row: dict[str, Any]) -> Desired:
    """One row of the outbox as the value that delivery and ledger work with."""
    return Desired(
        destination=row["destination"],
        conversion_key=row["conversion_key"],
        event_name=row["event_name"],
        desired_value=row["desired_value"],
        currency=row["currency"],
        fingerprint=row["fingerprint"],
        computed_against=row["computed_against"],
        reason_code=row["reason_code"],
        zero_counts=row["zero_counts"],
        pixel_reported_value=row["pixel_reported_value"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
        facts=Facts(
            receiver_event=row["receiver_event"],
            event_id=row["event_id"],
            transaction_id=row["transaction_id"],
            action_at=row["action_at"],
            event_time=row["event_time"],
            click_id=row["click_id"],
            clicked_at=row["clicked_at"],
            identifiers=json.loads(row["identifiers"]),
            definition_version=row["definition_version"],
            exchange_rate=row["exchange_rate"],
        ),
        person={name: value for name, value in json.loads(row["person"]).items() if value is not None},
        consent=json.loads(row["consent"]),
        keys_only=row["keys_only"],
    )
