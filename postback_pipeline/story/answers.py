"""Asks the published warehouse for all parts of a story.

Belongs here: which statements are asked, in which order, with which parameters. Does not belong here: the statements
(the `.sql` files beside this one), what is printed of the answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]

#: Entities whose records may be conversions, with the parameter that names their ids.
_IDS_OF = {
    "orders": "order_ids",
    "leads": "lead_ids",
    "subscription_events": "subscription_event_ids",
    "app_events": "app_event_ids",
    "pixel_events": "pixel_event_ids",
}
#: Each part and the statement of that name, in an order in which none needs the answer of a later one.
_PARTS = (
    *("conversions", "pixel_reports", "orders", "leads", "subscription_events", "app_events", "pixel_events"),
    *("refunds", "consents", "quarantine", "rules", "routes", "reversals", "identifiers", "decisions", "outbox"),
)


@dataclass(frozen=True)
class WarehouseStory:
    """The answers, each a list of rows whose columns its statement names; empty where nothing is known."""

    #: Conversion keys that it is about, or, in the ledger, could be about.
    keys: list[str] = field(default_factory=list)
    #: The moment that the last build computed for; UTC. None without a warehouse.
    as_of: datetime | None = None
    orders: list[Row] = field(default_factory=list)
    leads: list[Row] = field(default_factory=list)
    subscription_events: list[Row] = field(default_factory=list)
    app_events: list[Row] = field(default_factory=list)
    pixel_events: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    conversions: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    routes: list[Row] = field(default_factory=list)
    reversals: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    identifiers: list[Row] = field(default_factory=list)
    pixel_reports: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    candidates: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)


def read_story(connection: DuckDBPyConnection, key: str) -> WarehouseStory:
    """All about `key`: a conversion key (`purchase:4711`), a source's own id (`4711`) or the id of a subscription.

    Raises:
        duckdb.CatalogException: a table is not there, as in a warehouse that an older version built.
        duckdb.BinderException: a column is not there.
    """
    subjects = _ask(connection, "subject", {"key": key})
    keys = sorted({row["conversion_key"] for row in subjects if row["conversion_key"]})
    parameters: dict[str, object] = {"conversion_keys": keys}
    for entity, name in _IDS_OF.items():
        parameters[name] = sorted({row["source_id"] for row in subjects if row["source_entity"] in (entity, None)})
    parts: dict[str, list[Row]] = {}
    for part in _PARTS:
        # What some questions need of the answers to others.
        for name, (answered, column) in {
            "reported_event_ids": ("pixel_reports", "event_id"),
            "subscription_ids": ("subscription_events", "subscription_id"),
        }.items():
            parameters[name] = sorted({row[column] for row in parts.get(answered, [])})
        parts[part] = _ask(connection, part, parameters)
    candidates = [
        row
        for conversion in parts["conversions"]
        for row in _ask(connection, "candidates", {"conversion_key": conversion["conversion_key"]})
    ]
    (built,) = connection.execute("select max(as_of) from raw.build_context").fetchone() or (None,)
    return WarehouseStory(keys=keys, as_of=built, candidates=candidates, **parts)


def _ask(connection: DuckDBPyConnection, question: str, parameters: dict[str, object]) -> list[Row]:
    statement = Path(__file__).with_name(f"{question}.sql").read_text(encoding="utf-8")
    # DuckDB takes no parameter that a statement does not ask for.
    asked_for = {name: parameters[name] for name in re.findall(r"\$(\w+)", statement)}
    found = connection.execute(statement, asked_for)
    columns = [column[0] for column in found.description or []]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
