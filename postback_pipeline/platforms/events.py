"""Whose event is meant by a name in a platform's report.

Belongs here: their names -> ours. Does not belong here: how a platform spells what routes call an event (its file).
"""

from __future__ import annotations

from collections.abc import Iterable

from postback_pipeline.platforms.base import Platform, PullError
from postback_pipeline.settings.reports import ReportSettings
from postback_pipeline.sources.definition_types import Route


def our_events(report: ReportSettings, platform: Platform, routes: Iterable[Route]) -> dict[str, str]:
    """The platform's name -> our event.

    Raises:
        PullError: there is none, or one name stands for two of our events.
    """
    told = [route for route in routes if route.destination == report.destination]
    wanted = dict(report.events) or {route.event_name: platform.event_of(route.receiver_event) for route in told}
    if not wanted:
        raise PullError(f"No route leads to {report.destination}: there is no event to be reported.")
    ours: dict[str, str] = {}
    for event, theirs in wanted.items():
        if theirs in ours:
            raise PullError(
                f"Its report calls both {ours[theirs]} and {event} {theirs}: which of them is meant cannot be told."
                " Name the one that is under `events`."
            )
        ours[theirs] = event
    return ours
