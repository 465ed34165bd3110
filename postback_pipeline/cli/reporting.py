"""`postback report`: the report of a day as one HTML file.

Belongs here: its options. Does not belong here: what is in it (`pictures.daily_report`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from postback_pipeline.cli.frame import Config, read_settings


def report(
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="UTC. Default: the last whole one.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Default: report-DAY.html in the folder of reports.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Write the report of a day: one HTML file that needs nothing else, for sending around."""
    from postback_pipeline.pictures.daily_report import daily_report, write_report

    settings = read_settings(config)
    made = daily_report(settings, day.date() if day else None)
    typer.echo(write_report(settings, made, out))
