"""What must hold between the rows of `definitions/*.csv`, the settings and the receivers' capabilities.

Belongs here: rules that one cell alone cannot break. Does not belong here: what a cell may hold
(`definition_types.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.sources.contract import NETWORK_IDENTIFIERS
from postback_pipeline.sources.definition_files import Row, Table
from postback_pipeline.sources.definition_types import (
    ClickIdParameter,
    ConversionDefinition,
    MatchOn,
    PixelDeduplication,
    Route,
)

#: How long before the receiver's limit a hold must have ended, so that a postback still gets there.
MARGIN = timedelta(days=1)


def check(
    conversions: Table[ConversionDefinition],
    routes: Table[Route],
    parameters: Table[ClickIdParameter],
    destinations: Mapping[str, Capabilities],
) -> Iterator[str]:
    """One sentence per broken rule."""
    yield from _repeated(conversions, ("event_name",), "{} is defined already in row {}")
    yield from _repeated(routes, ("destination", "event_name"), "{} has a route already in row {}")
    yield from _repeated(parameters, ("parameter",), "{} is there already in row {}")
    yield from _references(conversions, routes, destinations)
    definitions = {each.event_name: each for each in conversions.rows.values()}
    identifiers = {*NETWORK_IDENTIFIERS, *(cells.get("identifier", "") for cells in parameters.cells.values())}
    for row_number, route in routes.rows.items():
        found = [*_matching(route, identifiers if parameters.readable else None), *_period(route)]
        if route.destination in destinations:
            found += _receiver(route, definitions.get(route.event_name), destinations[route.destination])
        yield from (routes.mistake(row_number, column, what) for column, what in found)


def _repeated(table: Table[Row], columns: tuple[str, ...], what: str) -> Iterator[str]:
    first: dict[tuple[str, ...], int] = {}
    for row_number, cells in table.cells.items():
        key = tuple(cells.get(column, "") for column in columns)
        if all(key) and first.setdefault(key, row_number) != row_number:
            yield table.mistake(row_number, columns[-1], what.format(" + ".join(map(repr, key)), first[key]))


def _references(
    conversions: Table[ConversionDefinition], routes: Table[Route], destinations: Mapping[str, Capabilities]
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
                f"{identifier!r} is unknown: neither in click_id_parameters.csv nor an identifier that orders carry",
            )


def _period(route: Route) -> Iterator[tuple[str, str]]:
    if route.start_at and route.end_at and route.end_at <= route.start_at:
        yield "end_at", "it must be after start_at"


def _receiver(
    route: Route, definition: ConversionDefinition | None, receiver: Capabilities
) -> Iterator[tuple[str, str]]:
    hold = timedelta(days=route.hold_days + (definition.hold_days if definition else 0))
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


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}"
