"""A deployment for the models alone: landing files, definitions, loads, builds and marks; no Dagster, no network.

Belongs here: how a test brings rows, builds, pretends that receivers accepted, and reads tables. Does not belong here:
any test, any expectation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from postback_pipeline.destinations import build_destinations
from postback_pipeline.settings import Settings, load_settings
from postback_pipeline.sources.build_context import mark_built, write_build_context
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.load import load_entity
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse
from tests.models.dbt_process import DbtProcess

Row = Mapping[str, Any]

#: What the ledger was created on: a route without a start reports from here on.
LEDGER_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
#: Columns that tell when or where a row arrived, which is not what it says.
ARRIVAL = ("record_seen", "record_row", "identity_seen", "identity_row", "changed_at", "touched_at", "loaded_at")
STAYING = (
    *("marts.conversions", "marts.reversals", "marts.decisions", "outbox.postbacks"),
    *("intermediate.int_touchpoints", "intermediate.int_record_identifiers"),
)

SETTINGS = """
environment = "testing"
first_day = 2026-01-01

[sources.landing]
kind = "folder"
placeholder_ids = ["guest"]
"""
DESTINATION = """
[destinations.{name}]
type = "url_template"
accepted_when = {{ status = [200] }}
conversion.url = "http://127.0.0.1:9/{name}"
{more}
"""
WHOLE = """
[destinations.{name}]
{more}
"""
ADJUSTABLE = """
restatement.url = "http://127.0.0.1:9/r"
retraction.url = "http://127.0.0.1:9/r"
reinstatement = true
"""


@dataclass
class Deployment:
    """One in a folder of its own. `destinations` maps a name to further lines of its settings."""

    home: Path
    dbt: DbtProcess
    destinations: Mapping[str, str]
    definitions: dict[str, str]
    _settings: Settings = field(init=False)
    _landing: Path = field(init=False)
    _accepted: int = field(default=0)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.configure(self.destinations)
        self._landing = self._settings.home / self._settings.paths.landing
        self._landing.mkdir(parents=True, exist_ok=True)
        self.define(**self.definitions)

    @property
    def warehouse(self) -> Path:
        return self._settings.warehouse_path

    def configure(self, destinations: Mapping[str, str]) -> None:
        """Writes the settings; lines that begin with a type are a whole destination."""
        tables = [
            (WHOLE if more.startswith("type") else DESTINATION).format(name=name, more=more)
            for name, more in destinations.items()
        ]
        file = self.home / "postbacks.toml"
        file.write_text(SETTINGS + "".join(tables), encoding="utf-8")
        self._settings = load_settings(file)

    def define(self, **files: str) -> None:
        """Writes `conversions`, `routes` ... of the definitions folder."""
        folder = self._settings.definitions_path
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")

    def file(self, entity: str, name: str, rows: Sequence[Row]) -> None:
        """Writes or rewrites one landing file; without rows it is still there, and says nothing."""
        folder = self._landing / entity
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def build(self, as_of: datetime, *, full: bool = False) -> None:
        """Loads what lies there, computes, and marks what was computed."""
        self.load(as_of)
        self.dbt.run(self.warehouse, full=full)
        with open_warehouse(self.warehouse) as connection:
            mark_built(connection, models="test")

    def load(self, as_of: datetime) -> None:
        """Everything that a build is told before its models run."""
        receivers = build_destinations(self._settings)
        with open_warehouse(self.warehouse) as connection:
            create_raw_tables(connection)
            definitions = read_definitions(self._settings.definitions_path, destinations=receivers)
            load_definitions(connection, definitions, LEDGER_CREATED)
            load_reference(connection, receivers, self._settings.destinations)
            write_build_context(connection, as_of=as_of, window=None, run_id=str(as_of))
            for entity in ENTITIES:
                load_entity(connection, entity, self._settings, loaded_at=as_of)

    def accept_outbox(self, at: datetime) -> int:
        """The ledger's history as if every receiver had taken all that is due; returns how many postbacks that were."""
        with open_warehouse(self.warehouse) as connection:
            (before,) = connection.execute("select coalesce(max(seq), 0) from raw.ledger_history").fetchone() or (0,)
            (due,) = connection.execute("select count(*) from outbox.postbacks").fetchone() or (0,)
            for number, (state, outcome) in enumerate((("pending", None), ("sending", None), ("accepted", "accepted"))):
                connection.execute(
                    """
                    insert into raw.ledger_history by name
                    select
                        ? + row_number() over (order by destination, conversion_key) as seq,
                        ? + row_number() over (order by destination, conversion_key) as postback_id,
                        ? as "at", destination, conversion_key, event_name, computed_against + 1 as revision,
                        case when last_accepted_value is null then 'conversion'
                            when desired_value = 0 and not zero_counts then 'retraction' else 'restatement' end as kind,
                        desired_value as value, last_accepted_value as previous_value, currency, fingerprint,
                        transaction_id, click_id, event_time, action_at, definition_version, exchange_rate,
                        ? as to_state, 1 as attempt, ? as outcome, 'test' as actor
                    from outbox.postbacks
                    """,
                    [before + number * due, self._accepted, at, state, outcome],
                )
            self._accepted += due
        return int(due)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.warehouse, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table that stays, row by row, without what tells of arrival."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return {table: _rows(connection, table) for table in STAYING}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall() if row[0] not in ARRIVAL]
    return connection.execute(f"select {', '.join(columns)} from {table} order by all").fetchall()
