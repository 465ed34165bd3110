"""`postback preview`: the exact requests that are due, without sending them.

Belongs here: making the requests from the ledger's frozen elements, and hiding what is secret in them. Does not belong
here: what a request looks like (the adapter). Personal data appears only as it would leave: hashed, where the
receiver's rules say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, readable
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination, Element

#: Two values that stand in for every secret: letters and digits that are also base64, and the same in a URL.
_STAND_INS = ("S3CRETAAAAAAAAAAAAAAAAAAAAAAAAAA", "S3CRETBBBBBBBBBBBBBBBBBBBBBBBBBB")


@dataclass(frozen=True, slots=True)
class Previewed:
    """One request as text, without secrets."""

    destination: str
    keys: tuple[str, ...]
    method: str
    url: str
    headers: dict[str, str]
    body: str


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


def preview_request(destination: Destination, elements: Sequence[Element], *, sent_at: datetime) -> Previewed:
    """The request for these elements, with `{secret:NAME}` in place of every secret.

    It is made twice with different stand-ins: what differs beyond the stand-ins themselves was computed from a secret.
    """
    one, other = (
        destination.request(elements, secrets=_stand_ins(destination, stem), sent_at=sent_at) for stem in _STAND_INS
    )
    headers = {name: _hidden(destination, value, other.headers.get(name, "")) for name, value in one.headers.items()}
    return Previewed(
        destination=destination.name,
        keys=tuple(element.key for element in elements),
        method=one.method,
        url=_hidden(destination, one.url, other.url),
        headers=headers,
        body=_hidden(destination, one.body.decode(errors="replace"), other.body.decode(errors="replace")),
    )


def _stand_ins(destination: Destination, stem: str) -> dict[str, str]:
    return {name: f"{stem[:-4]}{number:04d}" for number, name in enumerate(_secrets_of(destination))}


def _secrets_of(destination: Destination) -> tuple[str, ...]:
    """What `request` finds among the secrets: an access token stands for what it is got with."""
    from postback_pipeline.destinations.oauth import ACCESS_TOKEN

    return (*destination.secret_names, *([ACCESS_TOKEN] if destination.grant else []))


def _hidden(destination: Destination, one: str, other: str) -> str:
    names = [f"secret:{name}".replace("::", ":") for name in _secrets_of(destination)]
    for name, first, second in zip(
        names, *(_stand_ins(destination, stem).values() for stem in _STAND_INS), strict=True
    ):
        one, other = one.replace(first, f"{{{name}}}"), other.replace(second, f"{{{name}}}")
    return one if one == other else f"{{computed with {', '.join(names)}}}"


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
