"""`postback destinations`: which types there are, and what is configured.

Belongs here: that listing. Does not belong here: whether it would work (`checking.py`).
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, print_table

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination
    from postback_pipeline.settings import DestinationSettings


def destinations(json: Json = False, config: Config = None) -> None:
    """List the types of destinations, and those that are configured with what they can do."""
    from postback_pipeline.destinations import DESTINATIONS, build_destinations
    from postback_pipeline.sources.definitions import DefinitionsError, read_definitions

    settings = read_settings(config)
    built = build_destinations(settings)
    types = {name: (adapter.__doc__ or "").strip().splitlines()[0] for name, adapter in DESTINATIONS.items()}
    try:
        read = read_definitions(
            settings.definitions_path, destinations={name: each.capabilities for name, each in built.items()}
        )
    except DefinitionsError:
        events = None
        typer.echo("The definitions are wrong, so no events are shown: see `postback check`.", err=True)
    else:
        events = {name: [route.event_name for route in read.routes if route.destination == name] for name in built}
    configured = [
        _describe(each, settings.destinations[name], None if events is None else events[name])
        for name, each in built.items()
    ]
    if json:
        print_json({"types": types, "configured": configured})
        return
    print_table(("type", "what it is"), types.items(), title="Types")
    typer.echo()
    print_table(
        ("name", "type", "mode", "sends to", "takes", "deduplicates", "oldest event", "events", "secrets not set"),
        (_row(each) for each in configured),
        title=f"Configured in {settings.file}",
    )


def _describe(destination: Destination, settings: DestinationSettings, events: list[str] | None) -> dict[str, Any]:
    can = destination.capabilities
    return {
        "name": destination.name,
        "type": destination.type,
        "mode": settings.mode.value,
        "origins": list(destination.origins),
        "kinds": ["conversion", *(["restatement"] * can.restatement), *(["retraction"] * can.retraction)],
        "deduplicates": can.deduplicates,
        "dedup_window_hours": _hours(can.dedup_window),
        "max_age_hours": _hours(can.max_age),
        "reinstatement": can.reinstatement,
        "increase": can.increase,
        "adjusts_pixel": can.adjusts_pixel,
        "adjustment_min_age_hours": _hours(can.adjustment_min_age),
        "adjustment_max_age_hours": _hours(can.adjustment_max_age),
        "batch_rows": can.batch_rows,
        "report_time_zone": settings.report_time_zone,
        "concurrency": settings.concurrency,
        "rate": settings.rate,
        "events": events,
        "secrets": {name: bool(os.environ.get(name)) for name in destination.secret_names},
    }


def _row(described: dict[str, Any]) -> list[object]:
    window, oldest = described["dedup_window_hours"], described["max_age_hours"]
    return [
        described["name"],
        described["type"],
        described["mode"],
        described["origins"],
        described["kinds"],
        "no" if not described["deduplicates"] else "yes" if window is None else f"for {window:g} h",
        "any" if oldest is None else f"{oldest:g} h",
        described["events"],
        [name for name, is_set in described["secrets"].items() if not is_set],
    ]


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(hours=1)
