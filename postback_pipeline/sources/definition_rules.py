"""What must hold between the rows of `definitions/*.csv`, the settings and their receivers.

Belongs here: all of these rules, in the order in which they are told, and those about identifiers. Does not belong
here: what a cell may hold (`definition_cells.py`), the rules about conversions (`conversion_rules.py`), about
routes (`route_rules.py`) and about experiments (`experiment_rules.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postback_pipeline.sources.conversion_rules import check_conversions
from postback_pipeline.sources.definition_files import Table
from postback_pipeline.sources.definition_types import (
    ClickIdParameter,
    ConversionDefinition,
    Experiment,
    PlanValue,
    Route,
)
from postback_pipeline.sources.experiment_rules import check_experiments
from postback_pipeline.sources.route_rules import Receiver, check_routes


def check(
    conversions: Table[ConversionDefinition],
    plan_values: Table[PlanValue],
    routes: Table[Route],
    parameters: Table[ClickIdParameter],
    experiments: Table[Experiment],
    destinations: Mapping[str, Receiver],
) -> Iterator[str]:
    """One sentence per broken rule."""
    yield from check_conversions(conversions, plan_values)
    yield from check_routes(routes, conversions, parameters, destinations)
    yield from _parameters(parameters)
    yield from check_experiments(experiments, routes)


def _parameters(parameters: Table[ClickIdParameter]) -> Iterator[str]:
    """A parameter carries one identifier; an identifier may have several, but is valid for one number of days."""
    yield from parameters.repeated(("parameter",), "{} is there already in row {}")
    first: dict[str, int] = {}
    for row_number, row in parameters.rows.items():
        earlier_number = first.setdefault(row.identifier, row_number)
        if earlier_number == row_number:
            continue
        earlier = parameters.rows[earlier_number]
        if row.parameter is None or earlier.parameter is None:
            yield parameters.mistake(
                row_number,
                "identifier",
                f"{row.identifier!r} is there already in row {earlier_number}; only rows with a parameter of their own"
                " may share an identifier",
            )
        elif row.valid_days != earlier.valid_days:
            yield parameters.mistake(
                row_number,
                "valid_days",
                f"{row.identifier!r} has {earlier.valid_days or 'no limit'} in row {earlier_number}; write the same in"
                " both",
            )
