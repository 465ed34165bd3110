"""The page of one destination: how it stands now, acceptance and latency over time, errors, attempts.

Belongs here: what is on it. Does not belong here: figures (`pictures`), the queue's state (the ledger).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from postback_pipeline.console.filters import Filters, read_filters
from postback_pipeline.console.page import Page, Picture, address
from postback_pipeline.console.tables import Table, shown
from postback_pipeline.ledger import DestinationStatus, LedgerError, open_ledger
from postback_pipeline.pictures import charts
from postback_pipeline.pictures.question import Answer, NothingPublished, Warehouse, published
from postback_pipeline.settings import DestinationSettings, Settings
from postback_pipeline.story.readable import readable

if TYPE_CHECKING:
    import altair as alt

MEDIAN, MOST = ("p50_seconds_since_eligible", "median"), ("p95_seconds_since_eligible", "95 of 100")


def destination(request: Request) -> Page:
    """`/destinations/NAME`."""
    settings: Settings = request.app.state.settings
    name: str = request.path_params["name"]
    notes: list[str] = []
    standing = _standing(settings, name, notes)
    values: dict[str, Any] = {"name": name, "standing": standing, "as_of": None, "cohorts": (), "filters": None}
    values["is_paused"] = standing is not None and standing.get("paused", "no") != "no"
    values["is_configured"] = name in settings.destinations
    pictures: dict[str, Picture] = {}
    tables: dict[str, Table] = {}
    try:
        with published(settings) as warehouse:
            all_cohorts = warehouse.ask("cohorts").records()
            cohorts = [each for each in all_cohorts if each["destination"] == name]
            if not cohorts and not values["is_configured"]:
                return Page(
                    "sentence.html", "Not found", values={"sentence": f"There is no destination {name}."}, status=404
                )
            as_of = warehouse.built_at()
            filters = read_filters(request.query_params, cohorts, as_of, destination=name, one=True)
            values |= {"as_of": as_of, "cohorts": cohorts, "filters": filters}
            if filters.event:
                pictures, tables = _figures(warehouse, filters)
    except NothingPublished as error:
        notes.append(str(error))
    return Page("destination.html", name, tables, pictures, values, notes=notes)


def _figures(warehouse: Warehouse, filters: Filters) -> tuple[dict[str, Picture], dict[str, Table]]:
    asked = filters.parameters
    acceptance, latency = warehouse.ask("acceptance", asked), warehouse.ask("latency", asked)
    curve, attempts = warehouse.ask("delay_curve", asked), warehouse.ask("attempts", asked)
    errors = Table(
        "errors",
        "What attempts ended with that were not accepted",
        warehouse.ask("errors", asked),
        links={"example": lambda row: address("conversions", row["example"])},
        empty="Every attempt was accepted.",
    )
    drawn = (
        _picture("acceptance", "Accepted of sent, by day of the conversion", acceptance,
                 lambda: charts.shares(acceptance, "acceptance_rate", "accepted of sent")),
        _picture("latency", "From eligible to accepted, by day of the conversion", latency,
                 lambda: charts.two_lines(latency, MEDIAN, MOST, "from eligible to accepted")),
        _picture("delay_curve", "Accepted that long after the conversion", curve,
                 lambda: charts.reached_after(curve)),
        _picture("attempts", "Attempts, by the day on which they ended", attempts,
                 lambda: charts.stacked(attempts, ("accepted", "rejected", "unknown"), "attempts")),
    )  # fmt: skip
    return {each.table.name: each for each in drawn if each}, {"errors": errors}


def _picture(name: str, title: str, answer: Answer, chart: Any) -> Picture | None:
    if not answer.rows:
        return None
    drawn: alt.TopLevelMixin = chart()
    return Picture(Table(name, title, answer), drawn, f"{title}.")


def _standing(settings: Settings, name: str, notes: list[str]) -> dict[str, str] | None:
    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            found, now = ledger.destination(name), ledger.now()
    except LedgerError as error:
        notes.append(str(error))
        return None
    facts = _facts(found, settings.destinations.get(name), now)
    return {
        label: text for label, value in facts.items() if (text := value if isinstance(value, str) else shown(value))
    }


def _facts(found: DestinationStatus, configured: DestinationSettings | None, now: datetime) -> dict[str, object]:
    later = found.not_before if found.not_before and found.not_before > now else None
    waits = [f"{count.count:,} {state}" for state, count in found.states.items() if count.count]
    by_itself = " It goes on by itself once what it stumbled over has changed." if found.ends_by_itself else ""
    breaker = f"open, {found.trips} times in a row; a single postback goes first to try" if found.trips else "closed"
    return {
        "paused": found.paused
        and f"by {found.paused_by} since {shown(found.paused_at)}: {found.pause_reason}.{by_itself}",
        "breaker": breaker,
        "nothing leaves before": later and f"{shown(later)}: {found.postpone_reason}",
        "due now": found.due,
        "oldest due for": found.oldest_due_at and readable(now - found.oldest_due_at),
        "waits": ", ".join(waits) or "nothing",
        "drains at work": len(found.drains),
        "type": configured and f"{configured.type}, mode {configured.mode}",
        "rate": configured and (f"{configured.rate:g} requests per second" if configured.rate else "no limit of ours"),
        "at once": configured and f"{configured.concurrency} requests",
        "budget of attempts": configured and configured.retry.max_attempts,
        "report zone": configured and configured.report_time_zone,
    }
