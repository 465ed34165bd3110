"""`postback run` and `postback plan`: the same Dagster assets that the schedules run.

Belongs here: their options, and printing what they report. Does not belong here: what they do (`defs/runs.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from postback_pipeline.settings import Settings

From = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], metavar="DAY", help="First day (UTC) of conversions.", show_default=False
    ),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="Last day, included.", show_default=False),
]

#: More columns than this do not fit beside each other.
MOST_COLUMNS = 10


def run(from_: From = None, to: To = None, json: Json = False, config: Config = None) -> None:
    """Build, deliver and measure once. Without days: whatever is new or changed."""
    window = window_of(from_, to)
    settings = _settings(config)
    from postback_pipeline.defs.runs import run_pipeline

    _show(run_pipeline(settings, window, progress=_progress), json)


def plan(from_: From = None, to: To = None, json: Json = False, config: Config = None) -> None:
    """Show what a run would send, adjust, cancel, let expire or hold back, without touching anything."""
    window = window_of(from_, to)
    settings = _settings(config)
    from postback_pipeline.defs.plan import plan_pipeline

    _show(plan_pipeline(settings, window, progress=_progress), json)


def window_of(from_: datetime | None, to: datetime | None) -> tuple[date, date] | None:
    """Both days, or neither."""
    if from_ is None and to is None:
        return None
    if from_ is None or to is None:
        raise typer.BadParameter("--from and --to go together: give both, or neither for whatever is new.")
    if from_ > to:
        raise typer.BadParameter(f"--from {from_:%Y-%m-%d} is after --to {to:%Y-%m-%d}.")
    return from_.date(), to.date()


def _settings(config: Config) -> Settings:
    from postback_pipeline.settings import CONFIG_VARIABLE

    settings = read_settings(config)
    # The code location and the processes that Dagster starts read it from there.
    os.environ[CONFIG_VARIABLE] = str(settings.file)
    return settings


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _show(summary: Mapping[str, Any], as_json: bool) -> None:
    """Lists of rows are tables; whatever else, a line."""
    if as_json:
        print_json(summary)
        return
    tables = {name: value for name, value in summary.items() if isinstance(value, list)}
    print_fields({_spoken(name): value for name, value in summary.items() if name not in tables})
    for name, rows in tables.items():
        typer.echo()
        _print_rows(_spoken(name).capitalize(), rows)


def _print_rows(title: str, rows: list[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [[_spoken(column), *(row.get(column) for row in rows)] for column in columns]
    if len(columns) > MOST_COLUMNS:
        # Too wide for any terminal: the rows side by side.
        first, *others = lines
        print_table([str(cell) for cell in first], others, title=title)
    else:
        print_table(
            [str(line[0]) for line in lines], [[row.get(column) for column in columns] for row in rows], title=title
        )


def _spoken(name: str) -> str:
    return name.replace("_", " ")
