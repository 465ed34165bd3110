"""What marketing edits (`definitions/*.csv`) -> checked values -> `raw.conversion_definitions`, `raw.routes`, ...

Belongs here: reading the folder whole, and loading it. Does not belong here: what a row is (`definition_types.py`),
how a file is read (`definition_files.py`), rules between rows (`definition_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.model import PostbackError
from postback_pipeline.sources.definition_files import COUNTING, read_table
from postback_pipeline.sources.definition_rules import check
from postback_pipeline.sources.definition_types import ClickIdParameter, ConversionDefinition, Definitions, Route
from postback_pipeline.sources.replace import Rows, replace_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class DefinitionsError(PostbackError):
    """The definitions are wrong; the text has one sentence per mistake, each with file, row and column."""


def read_definitions(folder: Path, *, destinations: Mapping[str, Capabilities]) -> Definitions:
    """Reads and checks the three files of `folder`; `destinations` are those that the settings configure.

    Raises:
        DefinitionsError: anything is wrong; all mistakes at once.
    """
    mistakes: list[str] = []
    conversions = read_table(folder / "conversions.csv", ConversionDefinition, mistakes)
    routes = read_table(folder / "routes.csv", Route, mistakes, must_have=("consent_purposes",))
    parameters = read_table(folder / "click_id_parameters.csv", ClickIdParameter, mistakes)
    mistakes.extend(check(conversions, routes, parameters, destinations))
    if mistakes:
        raise DefinitionsError("\n".join([*mistakes, COUNTING]))
    return Definitions(
        conversions=tuple(conversions.rows.values()),
        routes=tuple(routes.rows.values()),
        click_id_parameters=tuple(parameters.rows.values()),
    )


def load_definitions(connection: DuckDBPyConnection, definitions: Definitions, ledger_created_at: datetime) -> bool:
    """Replaces the three `raw` tables in one transaction; a route without `start_at` gets the ledger's creation.

    Returns whether anything changed.
    """
    conversions: Rows = [
        {
            "event_name": each.event_name,
            "source_entity": each.source_entity,
            "qualifying_statuses": "|".join(each.qualifying_statuses),
            "action_at": each.action_at,
            "qualified_at": each.qualified_at,
            "value_rule": each.value_rule.value,
            "zero_values": each.zero_values,
            "hold_days": each.hold_days,
            "definition_version": each.definition_version,
        }
        for each in definitions.conversions
    ]
    parameters: Rows = [
        {"parameter": each.parameter, "identifier": each.identifier, "network": each.network}
        for each in definitions.click_id_parameters
    ]
    return replace_tables(
        connection,
        {
            "raw.conversion_definitions": conversions,
            "raw.routes": [_route_row(route, ledger_created_at) for route in definitions.routes],
            "raw.click_id_parameters": parameters,
        },
    )


def _route_row(route: Route, ledger_created_at: datetime) -> dict[str, object]:
    return {
        "destination": route.destination,
        "event_name": route.event_name,
        "receiver_event": route.receiver_event,
        "match_on": route.match_on.value,
        "identifiers": "|".join(route.identifiers),
        "lookback_days": route.lookback_days or 0,
        "scope": route.scope,
        "hold_days": route.hold_days,
        "event_time": route.event_time,
        "consent_purposes": "|".join(route.consent_purposes),
        "consent_denied": route.consent_denied,
        "consent_unknown": route.consent_unknown,
        "pixel_deduplication": route.pixel_deduplication.value,
        "event_id_template": route.event_id_template,
        "send_reversals": route.send_reversals,
        "start_at": route.start_at or ledger_created_at,
        "end_at": route.end_at,
        "route_version": route.route_version,
    }
