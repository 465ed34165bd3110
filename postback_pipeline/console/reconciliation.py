"""From the backend to the platform's report, step by step, and why each step has fewer than the one before.

Belongs here: those pages. Does not belong here: the differences and their causes (dbt).
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from postback_pipeline.console.filters import Filters, read_filters
from postback_pipeline.console.page import Page, Picture, address
from postback_pipeline.console.tables import Table
from postback_pipeline.pictures import charts
from postback_pipeline.pictures.question import Warehouse, published
from postback_pipeline.settings import Settings


def reconciliation(request: Request) -> Page:
    """`/reconciliation`: the steps of one destination, event and currency."""
    settings: Settings = request.app.state.settings
    with published(settings) as warehouse:
        filters, values = _asked(request, warehouse)
        if not filters.event:
            return Page("reconciliation.html", "Reconciliation", values=values)
        steps = warehouse.ask("steps", filters.parameters)
        causes = warehouse.ask("causes", filters.parameters)
        days = warehouse.ask("causes_by_day", {**filters.parameters, "step": "reported", "cause": "unexplained"})
    table = Table("steps", "Step by step", steps, currency=filters.currency)
    why = Table(
        "causes",
        "Causes of the differences",
        causes,
        links={"cause": lambda row: f"{address('reconciliation', row['step'], row['cause'])}?{filters.query()}"},
        currency=filters.currency,
        empty="No step differs from the one before.",
    )
    says = "Conversions that each cause took away or added, step by step."
    pictures = {"causes": Picture(why, charts.differences(causes), says)} if any(row[2] for row in causes.rows) else {}
    # Day by day, in count and in money: what is too many on one day does not explain what is missing on another.
    values["unexplained"] = [row for row in days.records() if row["conversions"] or row["value"]]
    return Page("reconciliation.html", "Reconciliation", {"steps": table, "causes": why}, pictures, values)


def cause(request: Request) -> Page:
    """`/reconciliation/STEP/CAUSE`: the days of one cause, and conversions of it."""
    settings: Settings = request.app.state.settings
    named = {"step": request.path_params["step"], "cause": request.path_params["cause"]}
    with published(settings) as warehouse:
        filters, values = _asked(request, warehouse)
        days = warehouse.ask("causes_by_day", {**filters.parameters, **named})
        examples = warehouse.ask("examples", {**filters.parameters, **named})
    tables = {
        "days": Table("days", "By day, on the platform's own clocks", days, currency=filters.currency),
        "examples": Table(
            "examples",
            "Conversions of this cause, the newest",
            examples,
            links={"conversion_key": lambda row: address("conversions", row["conversion_key"])},
            empty="None can be named: the platform tells sums, not conversions, or the step was passed earlier.",
        ),
    }
    title = f"{named['step']}: {named['cause'].replace('_', ' ')}"
    return Page("cause.html", title, tables, values=values | named)


def _asked(request: Request, warehouse: Warehouse) -> tuple[Filters, dict[str, Any]]:
    cohorts = warehouse.ask("cohorts").records()
    as_of = warehouse.built_at()
    filters = read_filters(request.query_params, cohorts, as_of, one=True)
    return filters, {"filters": filters, "cohorts": cohorts, "as_of": as_of, "unexplained": ()}
