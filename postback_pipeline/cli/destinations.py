"""`postback destinations`: which types there are, and what is configured.

Belongs here: that listing. Does not belong here: whether it would work (`checking.py`).
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, print_table
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Capabilities, Destination
    from postback_pipeline.destinations.presets import Preset
    from postback_pipeline.settings import DestinationSettings


def destinations(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE|PRESET]", help="Show all about this type, or this preset as it is.", show_default=False
        ),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the types of destinations, and those that are configured with what they can do."""
    from postback_pipeline.destinations import DESTINATIONS, build_destinations
    from postback_pipeline.destinations.presets import presets
    from postback_pipeline.sources.definitions import DefinitionsError, read_definitions

    types = {name: _describe_type(adapter) for name, adapter in DESTINATIONS.items()}
    if kind is not None:
        _show_type(kind, types, json)
        return
    settings = read_settings(config)
    built = build_destinations(settings)
    try:
        read = read_definitions(settings.definitions_path, destinations=built)
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
        described = {name: _describe_preset(preset) for name, preset in presets().items()}
        print_json({"types": types, "presets": described, "configured": configured})
        return
    print_table(
        ("type", "receiver", "version", "takes", "oldest event", "at a time", "judged by"),
        (_type_row(name, each) for name, each in types.items()),
        title="Types (postback destinations TYPE shows all about one)",
    )
    typer.echo()
    print_table(
        ("preset", "takes", "what it is"),
        ((name, _preset_kinds(preset), preset.title) for name, preset in presets().items()),
        title="Presets of url_template (postback destinations PRESET prints one)",
    )
    typer.echo()
    print_table(
        ("name", "type", "mode", "sends to", "takes", "deduplicates", "oldest event", "events", "secrets not set"),
        (_row(each) for each in configured),
        title=f"Configured in {settings.file}",
    )


def _show_type(kind: str, types: dict[str, dict[str, Any]], json: bool) -> None:
    from postback_pipeline.destinations.pages import page
    from postback_pipeline.destinations.presets import presets

    if kind in presets():
        preset = presets()[kind]
        if json:
            print_json(_describe_preset(preset))
        else:
            typer.echo(preset.text, nl=False)
        return
    if kind not in types:
        raise PostbackError(
            f"{kind!r} is not a type of destination. There are {', '.join(types)}; and the presets"
            f" {', '.join(presets())}."
        )
    if json:
        print_json(types[kind])
    else:
        typer.echo(page(kind))


def _preset_kinds(preset: Preset) -> list[str]:
    return [kind for kind in ("conversion", "restatement", "retraction") if kind in preset.table]


def _describe_preset(preset: Preset) -> dict[str, Any]:
    return {
        "title": preset.title,
        "kinds": _preset_kinds(preset),
        "options": {name: option.model_dump() for name, option in preset.options.items()},
        "table": preset.table,
    }


def _describe_type(adapter: type[Destination]) -> dict[str, Any]:
    """A type as its adapter declares it; what its user decides is left out."""
    from postback_pipeline.destinations.vendor import Vendor

    contract = adapter.contract
    described: dict[str, Any] = {
        "title": contract.title,
        "version": contract.version,
        "documentation": contract.documentation,
        "proof": contract.proof,
        "reversals": contract.reversals,
        "judges": list(contract.judges),
        "unverified": list(contract.unverified),
    }
    if issubclass(adapter, Vendor):
        described |= {
            "identifiers": list(contract.identifiers),
            "matches_person": list(contract.matches_person),
            "testing": contract.testing,
            **_describe_capabilities(adapter.can),
        }
    return described


def _type_row(name: str, described: dict[str, Any]) -> list[object]:
    kinds, oldest = described.get("kinds"), described.get("max_age_hours")
    return [
        name,
        described["title"],
        described["version"],
        "as configured" if kinds is None else kinds,
        "as configured" if kinds is None else "any" if oldest is None else f"{oldest:g} h",
        described.get("batch_rows", "as configured"),
        described["judges"],
    ]


def _describe_capabilities(can: Capabilities) -> dict[str, Any]:
    return {
        "kinds": ["conversion", *(["restatement"] * can.restatement), *(["retraction"] * can.retraction)],
        "increase": can.increase,
        "deduplicates": can.deduplicates,
        "dedup_window_hours": _hours(can.dedup_window),
        "max_age_hours": _hours(can.max_age),
        "reinstatement": can.reinstatement,
        "adjusts_pixel": can.adjusts_pixel,
        "adjustment_min_age_hours": _hours(can.adjustment_min_age),
        "adjustment_max_age_hours": _hours(can.adjustment_max_age),
        "batch_rows": can.batch_rows,
        "batch_bytes": can.batch_bytes,
        "one_bad_fails_all": can.one_bad_fails_all,
        "judges_later": can.judges_later,
    }


def _describe(destination: Destination, settings: DestinationSettings, events: list[str] | None) -> dict[str, Any]:
    return {
        "name": destination.name,
        "type": destination.type,
        "mode": settings.mode.value,
        "origins": list(destination.origins),
        **_describe_capabilities(destination.capabilities),
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
