"""What marketing edits (`definitions/*.csv`) -> checked values -> `raw.conversion_definitions`, `raw.routes`, ...

Belongs here: reading the folder whole, and loading it. Does not belong here: what a row is (`definition_types.py`),
how a file is read (`definition_files.py`), rules between rows (`definition_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postback_pipeline.model import PostbackError
from postback_pipeline.sources.conversion_cells import PARTS
from postback_pipeline.sources.definition_files import COUNTING, read_table
from postback_pipeline.sources.definition_rules import check
from postback_pipeline.sources.definition_types import (
    ClickIdParameter,
    ConversionDefinition,
    Definitions,
    Experiment,
    PlanValue,
    Route,
)
from postback_pipeline.sources.experiment_edits import edits_of_begun_experiments, experiment_row, region_rows
from postback_pipeline.sources.replace import Rows, replace_tables
from postback_pipeline.sources.route_rules import Receiver

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class DefinitionsError(PostbackError):
    """The definitions are wrong; the text has one sentence per mistake, each with file, row and column."""


def read_definitions(folder: Path, *, destinations: Mapping[str, Receiver]) -> Definitions:
    """Reads and checks the files of `folder`; `destinations` are those that the settings configure.

    `plan_values.csv` may be missing where no conversion is worth something per plan, `experiments.csv` where there
    are none.

    Raises:
        DefinitionsError: anything is wrong; all mistakes at once.
    """
    mistakes: list[str] = []
    conversions = read_table(folder / "conversions.csv", ConversionDefinition, mistakes)
    plan_values = read_table(folder / "plan_values.csv", PlanValue, mistakes, may_be_missing=True)
    routes = read_table(folder / "routes.csv", Route, mistakes, must_have=("consent_purposes",))
    parameters = read_table(folder / "click_id_parameters.csv", ClickIdParameter, mistakes, must_have=("parameter",))
    experiments = read_table(folder / "experiments.csv", Experiment, mistakes, may_be_missing=True)
    mistakes.extend(check(conversions, plan_values, routes, parameters, experiments, destinations))
    if mistakes:
        raise DefinitionsError("\n".join([*mistakes, COUNTING]))
    return Definitions(
        conversions=tuple(conversions.rows.values()),
        routes=tuple(routes.rows.values()),
        click_id_parameters=tuple(parameters.rows.values()),
        plan_values=tuple(plan_values.rows.values()),
        experiments=tuple(experiments.rows.values()),
    )


def load_definitions(connection: DuckDBPyConnection, definitions: Definitions, ledger_created_at: datetime) -> bool:
    """Replaces the seven `raw` tables in one transaction; a route without `start_at` gets the ledger's creation.

    Returns whether anything changed.

    Raises:
        DefinitionsError: an experiment that began was edited; nothing is replaced.
    """
    if mistakes := list(edits_of_begun_experiments(connection, definitions.experiments)):
        raise DefinitionsError("\n".join(mistakes))
    return replace_tables(
        connection,
        {
            "raw.conversion_definitions": _conversion_rows(definitions),
            "raw.test_order_rules": [
                {"definition_version": each.definition_version, "field": rule.field, "pattern": rule.pattern}
                for each in definitions.conversions
                for rule in each.test_rules
            ],
            "raw.plan_values": [asdict(each) for each in definitions.plan_values],
            "raw.routes": [_route_row(route, ledger_created_at) for route in definitions.routes],
            "raw.click_id_parameters": [asdict(each) for each in definitions.click_id_parameters],
            "raw.experiments": [experiment_row(each) for each in definitions.experiments],
            "raw.experiment_regions": [row for each in definitions.experiments for row in region_rows(each)],
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
        "timing": route.timing,
        "event_time": route.event_time,
        "currency": route.currency,
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


def _conversion_rows(definitions: Definitions) -> Rows:
    # The rows of an event are in the order in which they hold: each ends where the next one begins.
    until: dict[str, datetime] = {}
    rows: list[dict[str, object]] = []
    for each in reversed(definitions.conversions):
        rows.append(_conversion_row(each, until.get(each.event_name)))
        until[each.event_name] = each.effective_from
    return rows[::-1]


def _conversion_row(definition: ConversionDefinition, effective_until: datetime | None) -> dict[str, object]:
    rule = definition.value_rule
    return {
        "event_name": definition.event_name,
        "source_entity": definition.source_entity,
        "effective_from": definition.effective_from,
        "effective_until": effective_until,
        "qualifying_statuses": "|".join(definition.qualifying_statuses),
        "action_at": definition.action_at,
        "qualified_at": definition.qualified_at,
        "occurred_at": definition.occurred_at,
        "value_rule": rule.kind.value,
        **{f"less_{part}": part in rule.less for part in PARTS},
        "fixed_value": definition.fixed_value,
        "currency": definition.currency,
        "zero_values": definition.zero_values,
        "hold_days": definition.hold_days,
        "source_of_truth": definition.source_of_truth,
        "first_only_per": definition.first_only_per,
        "definition_version": definition.definition_version,
        "value_version": definition.value_version,
    }
