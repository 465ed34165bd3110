"""The first page: what needs a person, and from the backend to the platforms' reports by destination.

Belongs here: what is on it. Does not belong here: figures (`pictures`), what is wrong when (`alerting`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from postback_pipeline.console.filters import read_filters
from postback_pipeline.console.page import Page, Picture, address
from postback_pipeline.console.tables import Table
from postback_pipeline.console.troubles import troubles
from postback_pipeline.pictures import charts
from postback_pipeline.pictures.question import NothingPublished, published
from postback_pipeline.settings import Settings


def overview(request: Request) -> Page:
    """`/`."""
    settings: Settings = request.app.state.settings
    needed, notes = troubles(settings, datetime.now(UTC))
    values: dict[str, Any] = {"needed": needed, "as_of": None, "cohorts": (), "filters": None}
    try:
        with published(settings) as warehouse:
            cohorts = warehouse.ask("cohorts").records()
            as_of = warehouse.built_at()
            filters = read_filters(request.query_params, cohorts, as_of)
            funnel = warehouse.ask("funnel", filters.parameters)
    except NothingPublished as error:
        return Page("overview.html", "Overview", values=values, notes=[*notes, str(error)])
    own = {"event": filters.event, "currency": filters.currency}
    days = {"from": str(filters.first), "to": str(filters.last)}
    table = Table(
        "funnel",
        "Conversions by destination and step",
        funnel,
        links={
            "destination": lambda row: address("destinations", row["destination"], **own, **days),
            "backend": lambda row: address("reconciliation", destination=row["destination"], **own, **days),
        },
        hidden=("currency",),
        empty="No conversions on these days.",
    )
    says = "Conversions that reached each step, from the backend to the platform's report, by destination."
    pictures = {"funnel": Picture(table, charts.funnel(funnel), says)} if funnel.rows else {}
    values |= {"as_of": as_of, "cohorts": cohorts, "filters": filters}
    return Page("overview.html", "Overview", {"funnel": table}, pictures, values, notes=notes)
