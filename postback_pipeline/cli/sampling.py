"""`postback check DESTINATION`: one made-up conversion through the vendor's own test facility, and what came back.

Belongs here: choosing what is tried and showing it without secrets. Does not belong here: the sample and its exchange
(`delivery.sample`). Nothing that counts is ever sent: in mode live the vendor's test mode is used all the same.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from postback_pipeline.cli.output import readable
from postback_pipeline.cli.previewing import print_request
from postback_pipeline.story.requests import Previewed, preview_request

if TYPE_CHECKING:
    from postback_pipeline.delivery.sample import TriedOut
    from postback_pipeline.destinations.vendor import Vendor
    from postback_pipeline.settings import DestinationSettings, Settings

#: So much of a reply is shown. Characters.
_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was tried; without a request it says why nothing was sent."""

    ok: bool
    says: str
    request: Previewed | None = None
    status: int | None = None
    reply: str = ""


def sample(name: str, settings: Settings) -> Sampled:
    """Sends one sample of destination `name` where that is harmless."""
    from postback_pipeline.destinations import DESTINATIONS
    from postback_pipeline.destinations.base import DestinationError
    from postback_pipeline.destinations.vendor import Vendor
    from postback_pipeline.settings import Mode

    table = settings.destinations[name].model_copy(update={"mode": Mode.TEST})
    adapter = DESTINATIONS[table.type]
    if not issubclass(adapter, Vendor):
        return Sampled(True, f"nothing was sent: what a {table.type} takes is described by its user")
    try:
        destination = adapter.from_settings(name, table)
    except DestinationError as error:
        return Sampled(True, f"nothing was sent: {error}")
    events = list(dict.fromkeys(_events(name, settings)))
    if not events:
        return Sampled(False, "nothing was sent: no route names it. Give it one in routes.csv.")
    return _tried(destination, table, events)


def _tried(destination: Vendor, table: DestinationSettings, events: list[str]) -> Sampled:
    """The first of its routes' events is sent; that the others can be told is seen before."""
    from postback_pipeline.delivery.sample import sample_postback, try_out
    from postback_pipeline.destinations.base import DestinationError, Element

    now = datetime.now(UTC)
    try:
        for event in reversed(events):
            postback = sample_postback(destination, event, now)
            element = Element(postback.key, postback.kind, destination.render(postback))
        shown = preview_request(destination, [element], sent_at=now)
        tried = asyncio.run(try_out(destination, table, element, os.environ))
    except DestinationError as error:
        return Sampled(False, f"nothing was sent: {error}")
    where = "the vendor's test facility" if destination.at_test_facility else "the sandbox"
    return _judged(tried, shown, destination, where)


def _judged(tried: TriedOut, shown: Previewed, destination: Vendor, where: str) -> Sampled:
    from postback_pipeline.destinations.base import Reading

    if tried.reply is None or tried.verdict is None:
        return Sampled(False, f"{where} gave no answer: {tried.error}", shown)
    ok = tried.verdict.reading in (Reading.ACCEPTED, Reading.DUPLICATE)
    says = f"{where} answered: {tried.verdict.reading} ({tried.verdict.reason})"
    body = tried.reply.body.decode(errors="replace")
    for name in destination.secret_names:
        body = body.replace(os.environ[name], f"{{secret:{name}}}")
    return Sampled(ok, says, shown, tried.reply.status, body[:_SHOWN])


def _events(name: str, settings: Settings) -> Iterator[str]:
    from postback_pipeline.destinations import build_destinations
    from postback_pipeline.sources.definitions import DefinitionsError, read_definitions

    try:
        read = read_definitions(settings.definitions_path, destinations=build_destinations(settings))
    except DefinitionsError:
        return
    yield from (route.receiver_event for route in read.routes if route.destination == name)


def print_sampled(sampled: Sampled) -> None:
    """The request and the reply, below the findings."""
    if sampled.request is None:
        return
    typer.echo()
    print_request(sampled.request)
    if sampled.status is not None:
        typer.echo(f"HTTP {sampled.status}")
        for line in sampled.reply.splitlines():
            typer.echo(readable(line))
