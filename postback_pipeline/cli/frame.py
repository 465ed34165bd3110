"""What all commands share: the option that names the settings, and how a failure reaches the person.

Belongs here: that frame. Does not belong here: how results are printed (`output.py`), any command.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.settings import Settings


class Sentences(TyperGroup):
    """Commands whose foreseen failures end as sentences on stderr and exit code 1, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the chosen command."""
        try:
            return super().invoke(ctx)
        except PostbackError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error


def _chosen(ctx: typer.Context, value: Path | None) -> Path | None:
    # Given before the subcommand, it arrives there through the context, which a subcommand inherits.
    if value is not None:
        ctx.obj = value
    chosen: Path | None = ctx.obj
    return chosen


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        callback=_chosen,
        metavar="PATH",
        help="The settings file. Default: $POSTBACK_CONFIG, else postbacks.toml here.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines on stdout.")]


def read_settings(config: Path | None) -> Settings:
    """The settings that `config`, the environment or the working folder name, after the `.env` file beside them.

    What the environment holds already wins over `.env`.

    Raises:
        SettingsError: missing or wrong.
    """
    from postback_pipeline.settings import CONFIG_VARIABLE, DEFAULT_CONFIG, load_env_file, load_settings

    file = Path(config or os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG).absolute()
    load_env_file(file)
    return load_settings(file)
