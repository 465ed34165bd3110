"""Opens the DuckDB warehouse and creates its raw tables.

Belongs here: the connection and the shape of schema `raw`. Does not belong here: anything that fills a table, and
any retry (pool `warehouse` keeps two steps from opening the file at once).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from postback_pipeline.sources.contract import ENTITIES, Entity

#: What every row of an entity carries besides the contract's columns.
ORIGIN_COLUMNS = {
    "_source": "VARCHAR",
    "_file": "VARCHAR",
    "_row_number": "BIGINT",
    "_row_hash": "VARCHAR",
    "_seen": "BIGINT",
    "_loaded_at": "TIMESTAMPTZ",
    "_extra": "VARCHAR",
}

_OTHER_TABLES: dict[str, dict[str, str]] = {
    "quarantine": {
        "entity": "VARCHAR",
        "file": "VARCHAR",
        "row_number": "BIGINT",
        "reason": "VARCHAR",
        "row": "VARCHAR",
        "source": "VARCHAR",
        "row_hash": "VARCHAR",
        "loaded_at": "TIMESTAMPTZ",
    },
    "files": {
        "source": "VARCHAR",
        "entity": "VARCHAR",
        "file": "VARCHAR",
        "size_bytes": "BIGINT",
        "sha256": "VARCHAR",
        "digest": "VARCHAR",
        "rows": "BIGINT",
        "loaded": "BIGINT",
        "quarantined": "BIGINT",
        "seen": "BIGINT",
        "loaded_at": "TIMESTAMPTZ",
        "same_as": "VARCHAR",
        "rules": "VARCHAR",
        "watermark": "VARCHAR",
    },
    "conversion_definitions": {
        "event_name": "VARCHAR",
        "source_entity": "VARCHAR",
        "qualifying_statuses": "VARCHAR",
        "action_at": "VARCHAR",
        "qualified_at": "VARCHAR",
        "value_rule": "VARCHAR",
        "zero_values": "VARCHAR",
        "hold_days": "INTEGER",
        "definition_version": "VARCHAR",
    },
    "routes": {
        "destination": "VARCHAR",
        "event_name": "VARCHAR",
        "receiver_event": "VARCHAR",
        "match_on": "VARCHAR",
        "identifiers": "VARCHAR",
        "lookback_days": "INTEGER",
        "scope": "VARCHAR",
        "hold_days": "INTEGER",
        "event_time": "VARCHAR",
        "consent_purposes": "VARCHAR",
        "consent_denied": "VARCHAR",
        "consent_unknown": "VARCHAR",
        "pixel_deduplication": "VARCHAR",
        "event_id_template": "VARCHAR",
        "send_reversals": "BOOLEAN",
        "start_at": "TIMESTAMPTZ",
        "end_at": "TIMESTAMPTZ",
        "route_version": "VARCHAR",
    },
    "click_id_parameters": {"parameter": "VARCHAR", "identifier": "VARCHAR", "network": "VARCHAR"},
    "destination_capabilities": {
        "destination": "VARCHAR",
        "type": "VARCHAR",
        "mode": "VARCHAR",
        "report_time_zone": "VARCHAR",
        "deduplicates": "BOOLEAN",
        "dedup_window_hours": "DOUBLE",
        "max_age_hours": "DOUBLE",
        "restatement": "BOOLEAN",
        "retraction": "BOOLEAN",
        "reinstatement": "BOOLEAN",
        "adjusts_pixel": "BOOLEAN",
        "adjustment_min_age_hours": "DOUBLE",
        "adjustment_max_age_hours": "DOUBLE",
    },
    "currencies": {"currency": "VARCHAR", "minor_units": "INTEGER"},
    "build_context": {
        "as_of": "TIMESTAMPTZ",
        "window_start": "DATE",
        "window_end": "DATE",
        "previous_as_of": "TIMESTAMPTZ",
        "run_id": "VARCHAR",
    },
    "ledger_history": {
        "seq": "BIGINT",
        "at": "TIMESTAMPTZ",
        "postback_id": "BIGINT",
        "destination": "VARCHAR",
        "conversion_key": "VARCHAR",
        "event_name": "VARCHAR",
        "revision": "INTEGER",
        "kind": "VARCHAR",
        "value": "DECIMAL(18,4)",
        "previous_value": "DECIMAL(18,4)",
        "currency": "VARCHAR",
        "fingerprint": "VARCHAR",
        "transaction_id": "VARCHAR",
        "click_id": "VARCHAR",
        "event_time": "TIMESTAMPTZ",
        "action_at": "TIMESTAMPTZ",
        "from_state": "VARCHAR",
        "to_state": "VARCHAR",
        "attempt": "INTEGER",
        "outcome": "VARCHAR",
        "phase": "VARCHAR",
        "http_status": "INTEGER",
        "reason": "VARCHAR",
        "actor": "VARCHAR",
    },
    "ledger_identity": {"ledger_id": "VARCHAR", "environment": "VARCHAR", "created_at": "TIMESTAMPTZ"},
}


@contextmanager
def open_warehouse(path: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse at `path`, whose session speaks UTC; closed at the end.

    Creates the folder of a file that is to be written.

    Raises:
        duckdb.IOException: another process has the file open, or (read only) there is no such file.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(path, read_only=read_only)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates schema `raw` and whichever of its tables and columns are not there yet."""
    connection.execute("create schema if not exists raw")
    rows = connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    for table, columns in _tables().items():
        if table not in found:
            body = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table raw.{table} ({body})")
            continue
        for column in columns.keys() - found[table]:
            connection.execute(f'alter table raw.{table} add column "{column}" {columns[column]}')


def _tables() -> dict[str, dict[str, str]]:
    return {name: _entity_columns(entity) for name, entity in ENTITIES.items()} | _OTHER_TABLES


def _entity_columns(entity: Entity) -> dict[str, str]:
    return {column.name: column.kind.value for column in entity.columns} | ORIGIN_COLUMNS
