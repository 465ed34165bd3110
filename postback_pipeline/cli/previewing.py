"""`postback preview`: the exact requests that are due, without sending them.

Belongs here: which elements of the ledger, and printing their requests. Does not belong here: making a request without
secrets (`story/requests.py`). Personal data appears only as it would leave: hashed, where the receiver's rules say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, readable
from postback_pipeline.model import PostbackError
from postback_pipeline.story.requests import Previewed, preview_request

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination, Element


def preview(
    destination: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many postbacks per destination, the first that are due.")] = 10,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the exact requests that are due, with secrets as {secret:NAME}."""
    from postback_pipeline.destinations import build_destinations
    from postback_pipeline.destinations.base import Element
    from postback_pipeline.ledger import open_ledger

    settings = read_settings(config)
    built = build_destinations(settings)
    if destination is not None and destination not in built:
        known = ", ".join(built) or "none"
        raise PostbackError(f"{destination!r} is not a destination of {settings.file}, which has {known}.")
    found: list[Previewed] = []
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        for name in built if destination is None else [destination]:
            due = ledger.peek(name, limit)
            elements = [Element(each.key, each.kind, each.element) for each in due]
            found += _requests(built[name], elements)
    if json:
        print_json(found)
        return
    for each in found:
        print_request(each)
    if not found:
        typer.echo("Nothing is due.")


def _requests(destination: Destination, elements: Sequence[Element]) -> Iterator[Previewed]:
    can = destination.capabilities
    for _, alike in groupby(elements, lambda element: can.mixes_kinds or element.kind):
        together = list(alike)
        for first in range(0, len(together), can.batch_rows):
            yield preview_request(destination, together[first : first + can.batch_rows], sent_at=datetime.now(UTC))


def print_request(request: Previewed) -> None:
    """As text, a blank line behind it."""
    typer.echo(f"# {request.destination}: {readable(request.keys)}")
    typer.echo(f"{request.method} {readable(request.url)}")
    for name, value in request.headers.items():
        typer.echo(f"{name}: {readable(value)}")
    if request.body:
        typer.echo()
        for line in request.body.splitlines():
            typer.echo(readable(line))
    typer.echo()
