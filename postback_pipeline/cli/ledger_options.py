"""What several `postback ledger` commands share: options, and opening the ledger of the settings.

Belongs here: those. Does not belong here: any command, what the options select (`ledger/steps.py`).
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import read_settings
from postback_pipeline.model import State

if TYPE_CHECKING:
    from postback_pipeline.ledger import Ledger


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


_DAY_OR_TIME = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

Which = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[POSTBACK|CONVERSION]...", help="Ids of postbacks, or conversion keys.", show_default=False
    ),
]
OfDestination = Annotated[str | None, typer.Option("--destination", help="Only of this one.", show_default=False)]
InState = Annotated[list[State] | None, typer.Option("--state", help="Only in this state; repeatable.")]
OfEvent = Annotated[str | None, typer.Option("--event", help="Only of this event.", show_default=False)]
LastReason = Annotated[
    str | None, typer.Option("--last-reason", help="Only with this reason of the last change.", show_default=False)
]
CreatedFrom = Annotated[
    datetime | None,
    typer.Option(formats=_DAY_OR_TIME, metavar="TIME", help="Only created then (UTC) or later.", show_default=False),
]
CreatedBefore = Annotated[
    datetime | None,
    typer.Option(formats=_DAY_OR_TIME, metavar="TIME", help="Only created before then (UTC).", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.", show_default=False)]
Actor = Annotated[
    str, typer.Option("--actor", default_factory=_os_user, help="Who; it is recorded.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


@contextmanager
def opened(config: Path | None) -> Iterator[Ledger]:
    """The ledger that the settings name."""
    from postback_pipeline.ledger import open_ledger

    settings = read_settings(config)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        yield ledger
