"""An outbox as a build would leave it: `outbox.postbacks` in DuckDB, and its way into a ledger.

Belongs here: rows that are alike but for their numbers. Does not belong here: who is told (`shop`), what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from postback_pipeline.sources.warehouse import open_warehouse

_ROWS = """
    create or replace table outbox.postbacks as
    select
        $destination as destination,
        $label || ':' || number as conversion_key,
        'purchase' as event_name,
        'Sale' as receiver_event,
        'reported' as reason_code,
        '129.9000 EUR' as fingerprint,
        'EUR' as currency,
        null::varchar as event_id,
        'order-' || number as transaction_id,
        'click-' || number as click_id,
        '{"subid":"sub-' || number || '"}' as identifiers,
        '{"email":"person-' || number || '@example.com"}' as person,
        '{}' as consent,
        'd1.r1.v1' as definition_version,
        $against::integer as computed_against,
        false as zero_counts,
        false as keys_only,
        129.90::decimal(18, 4) as desired_value,
        null::decimal(18, 4) as last_accepted_value,
        129.90::decimal(18, 4) as delta,
        null::decimal(18, 4) as pixel_reported_value,
        null::decimal(28, 12) as exchange_rate,
        $now::timestamptz::date as occurred_on,
        $now::timestamptz - interval 2 hours as action_at,
        $now::timestamptz - interval 1 hour as event_time,
        $now::timestamptz - interval 3 hours as clicked_at,
        $due_from::timestamptz + to_microseconds(number * $apart) as not_before,
        null::timestamptz as expires_at
    from range($first, $last) as numbers (number)
"""


def key_of(label: str, number: int) -> str:
    """The conversion's key in the ledger."""
    return f"{label}:{number}"


@contextmanager
def open_outbox(folder: Path) -> Iterator[DuckDBPyConnection]:
    """A warehouse with nothing but the schema of the outbox."""
    with open_warehouse(folder / "warehouse.duckdb") as connection:
        connection.execute("create schema if not exists outbox")
        yield connection


def write_rows(
    connection: DuckDBPyConnection,
    destination: str,
    label: str,
    numbers: range,
    *,
    against: int = 0,
    due_from: datetime | None = None,
    apart_s: float = 0.0,
) -> None:
    """Makes the outbox hold these conversions and nothing else.

    `against` is the revision that they were computed against. Number 0 may leave at `due_from` (None: all at once),
    each further one `apart_s` seconds later.
    """
    values = {
        "destination": destination,
        "label": label,
        "first": numbers.start,
        "last": numbers.stop,
        "against": against,
        "now": datetime.now(UTC).replace(microsecond=0),
        "due_from": due_from,
        "apart": round(apart_s * 1e6),
    }
    connection.execute(_ROWS, values)
