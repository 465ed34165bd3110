"""`postback pull`: platforms' own reports, asked for once.

Belongs here: which reports, which days, what is printed. Does not belong here: asking (`platforms.pulling`), the
schedule (`defs.reports`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, print_table
from postback_pipeline.cli.pipeline import From, To, window_of
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.platforms.reports import ConfiguredReport
    from postback_pipeline.settings import Settings

_COLUMNS = ("report", "platform", "days", "conversions", "new or restated", "file", "says")


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[REPORT]...", help="Their names; default: all.", show_default=False)
    ] = None,
    from_: From = None,
    to: To = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Ask platforms what they report, and land what is new or restated for the next run. Fails if one cannot be read.

    Without days: the closed ones that each platform still restates. Days are those of the destination's own reports.
    """
    from postback_pipeline.platforms.reports import build_reports

    window = window_of(from_, to)
    settings = read_settings(config)
    known = build_reports(settings)
    if not known:
        raise PostbackError(f"{settings.file}: no report is configured. Add a table [reports.NAME].")
    if unknown := [name for name in names or () if name not in known]:
        raise PostbackError(f"{settings.file}: {unknown[0]} is no report. There are: {', '.join(known)}.")
    lines, failed = [], False
    for name in names or known:
        try:
            lines.append(_pulled(known[name], settings, window))
        except PostbackError as error:
            # The others are asked all the same.
            lines.append(_line(known[name], says=str(error)))
            failed = True
    if json:
        print_json(lines)
    else:
        print_table(_COLUMNS, [list(line.values()) for line in lines])
    if failed:
        raise typer.Exit(1)


def _line(report: ConfiguredReport, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(_COLUMNS) | {"report": report.name, "platform": report.platform.title} | more


def _pulled(report: ConfiguredReport, settings: Settings, window: tuple[date, date] | None) -> dict[str, Any]:
    """One report's line."""
    from postback_pipeline.destinations import build_destinations
    from postback_pipeline.platforms.days import Days
    from postback_pipeline.platforms.pulling import pull
    from postback_pipeline.sources.definitions import read_definitions

    if not report.asks:
        return _line(report, says=f"destination {report.settings.destination} is in mode test: nobody is asked")
    routes = read_definitions(settings.definitions_path, destinations=build_destinations(settings)).routes
    days = Days(*window, report.zone) if window else None
    found = pull(report, settings, routes, now=datetime.now(UTC), days=days)
    told = {
        "days": f"{found.days.first} to {found.days.last}",
        "conversions": sum(numbers.conversions for numbers in found.told.values()),
        "new or restated": len(found.landed),
        "file": str(found.file) if found.file else None,
    }
    return _line(report, **told)
