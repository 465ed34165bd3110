"""What a run has to say for itself: the figures of the published warehouse, as plain values.

Belongs here: reading metrics for the summary of a run. Does not belong here: any figure's formula (dbt).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from postback_pipeline.settings import Settings
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.warehouse import open_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def summarise(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Rows per entity, conversions per event and currency, figures per destination; money as decimal strings."""
    with open_warehouse(settings.published_path, read_only=True) as connection:
        return {
            "loaded": [_loaded(connection, entity) for entity in ENTITIES],
            "conversions": _rows(connection, "select * from metrics.conversion_overview order by all"),
            "destinations": _rows(connection, "select * from metrics.destination_overview order by all"),
        }


def _loaded(connection: DuckDBPyConnection, entity: str) -> dict[str, Any]:
    counts = check_counts(connection, entity)
    return {"entity": entity, "rows": counts.rows, "loaded": counts.in_raw, "quarantined": counts.in_quarantine}


def _rows(connection: DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in result.fetchall()]


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value
