"""What must hold between a route, the conversions it names, the identifiers there are and its receiver.

Belongs here: rules about `routes.csv` that one cell alone cannot break. Does not belong here: what a cell may hold
(`definition_cells.py`), rules about conversions (`conversion_rules.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.sources.contract import INSTALLATION_IDENTIFIERS, NETWORK_IDENTIFIERS
from postback_pipeline.sources.definition_files import Table
from postback_pipeline.sources.definition_types import (
    ClickIdParameter,
    ConversionDefinition,
    MatchOn,
    PixelDeduplication,
    Route,
)

#: How long before the receiver's limit a hold must have ended, so that a postback still gets there.
MARGIN = timedelta(days=1)


class Receiver(Protocol):
    """What of a configured destination routes are checked against."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    def contract(self) -> Contract:
        """What it takes."""


def check_routes(
    routes: Table[Route],
    conversions: Table[ConversionDefinition],
    parameters: Table[ClickIdParameter],
    destinations: Mapping[str, Receiver],
) -> Iterator[str]:
    """One sentence per broken rule."""
    yield from routes.repeated(("destination", "event_name"), "{} has a route already in row {}")
    yield from _references(routes, conversions, destinations)
    versions: dict[str, list[ConversionDefinition]] = {}
    for definition in conversions.rows.values():
        versions.setdefault(definition.event_name, []).append(definition)
    carried = (*NETWORK_IDENTIFIERS, *INSTALLATION_IDENTIFIERS)
    identifiers = {*carried, *(cells.get("identifier", "") for cells in parameters.cells.values())}
    for row_number, route in routes.rows.items():
        found = [*_matching(route, identifiers if parameters.readable else None), *_times(route)]
        if route.destination in destinations:
            receiver = destinations[route.destination]
            found += _receiver(route, versions.get(route.event_name, ()), receiver.capabilities)
            found += _contract(route, receiver.contract)
        yield from (routes.mistake(row_number, column, what) for column, what in found)


def _references(
    routes: Table[Route], conversions: Table[ConversionDefinition], destinations: Mapping[str, Receiver]
) -> Iterator[str]:
    events = {cells.get("event_name") for cells in conversions.cells.values()}
    for row_number, cells in routes.cells.items():
        event, destination = cells.get("event_name"), cells.get("destination")
        if event and event not in events and conversions.readable:
            yield routes.mistake(row_number, "event_name", f"{event!r} is not defined in {conversions.file.name}")
        if destination and destination not in destinations:
            known = ", ".join(destinations) or "none"
            yield routes.mistake(
                row_number, "destination", f"{destination!r} is not a destination of the settings, which have {known}"
            )


def _matching(route: Route, identifiers: Collection[str] | None) -> Iterator[tuple[str, str]]:
    if route.match_on is not MatchOn.IDENTITY:
        if not route.identifiers:
            yield "identifiers", f"a route that matches on {route.match_on.value} needs at least one"
        if route.lookback_days is None:
            yield "lookback_days", f"a route that matches on {route.match_on.value} needs a number of days"
    if route.match_on is not MatchOn.CLICK and route.scope != "network":
        yield "match_on", "routes of a group compete by their clicks, so each of them matches on click"
    for identifier in route.identifiers:
        if identifiers is not None and identifier not in identifiers:
            yield (
                "identifiers",
                f"{identifier!r} is unknown: neither in click_id_parameters.csv nor an identifier that records carry",
            )


def _times(route: Route) -> Iterator[tuple[str, str]]:
    if route.start_at and route.end_at and route.end_at <= route.start_at:
        yield "end_at", "it must be after start_at"
    if route.timing == "real_time" and route.hold_days > 0:
        yield (
            "hold_days",
            f"a route in real time waits for no hold, but this one has {route.hold_days} days; write 0 here, or"
            " 'after_hold' as its timing",
        )


def _receiver(
    route: Route, versions: Sequence[ConversionDefinition], receiver: Capabilities
) -> Iterator[tuple[str, str]]:
    hold = _longest_hold(route, versions)
    if receiver.max_age is not None and hold + MARGIN > receiver.max_age:
        yield (
            "hold_days",
            f"a hold of {hold.days} days leaves less than a day until {route.destination} refuses the event for its age"
            f" ({_days(receiver.max_age)} days); shorten the hold of the route or of the conversion",
        )
    if route.pixel_deduplication is PixelDeduplication.RECEIVER:
        if not receiver.deduplicates and receiver.dedup_window is None:
            yield (
                "pixel_deduplication",
                f"{route.destination} does not deduplicate; use 'suppress' or 'none'",
            )
        if not route.event_id_template:
            yield "event_id_template", "the receiver can deduplicate only by the event id of its tag; give its template"


def _contract(route: Route, contract: Contract) -> Iterator[tuple[str, str]]:
    """A contract that names no identifiers takes any."""
    for identifier in route.identifiers:
        if contract.identifiers and identifier not in contract.identifiers:
            yield (
                "identifiers",
                f"{route.destination} ({contract.title}) is not told {identifier!r}; it takes"
                f" {', '.join(contract.identifiers)}",
            )
    if route.match_on is not MatchOn.CLICK and contract.identifiers and not contract.matches_person:
        yield "match_on", f"{route.destination} ({contract.title}) matches no persons; write 'click'"


def _longest_hold(route: Route, versions: Sequence[ConversionDefinition]) -> timedelta:
    if route.timing == "real_time":
        return timedelta(0)
    return timedelta(days=route.hold_days + max((version.hold_days for version in versions), default=0))


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}"
