"""What several `postback ledger` commands share: options, the selection they make, the question before acting.

Belongs here: those, and opening the ledger of the settings. Does not belong here: any command.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import read_settings
from postback_pipeline.model import PostbackError, State

if TYPE_CHECKING:
    from postback_pipeline.ledger import Ledger, Selection


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


def selection(
    which: Sequence[str] | None,
    *,
    destination: str | None,
    states: Sequence[State] | None,
    event: str | None,
    last_reason: str | None,
    created_from: datetime | None,
    created_before: datetime | None,
) -> Selection:
    """What the options select.

    Raises:
        PostbackError: nothing was given, which would select everything.
    """
    from postback_pipeline.ledger import Selection

    named = which or []
    ids = [int(each) for each in named if each.isdecimal()]
    if ids and len(ids) < len(named):
        raise PostbackError("Give either ids of postbacks or conversion keys, not both at once.")
    if not (named or destination or states or event or last_reason or created_from or created_before):
        raise PostbackError("Say which postbacks: by id or conversion key, or with options such as --state parked.")
    return Selection(
        ids=ids,
        conversion_keys=() if ids else named,
        destination=destination,
        states=states or (),
        event_name=event,
        reason=last_reason,
        created_from=None if created_from is None else created_from.replace(tzinfo=UTC),
        created_before=None if created_before is None else created_before.replace(tzinfo=UTC),
    )


def confirm(question: str, yes: bool) -> None:
    """Goes on after a yes only.

    Raises:
        typer.Abort: the answer was no, or nobody is there to answer.
    """
    if not yes:
        typer.confirm(question, abort=True)
