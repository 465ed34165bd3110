"""Looking for a conversion, and its whole story with each request and reply.

Belongs here: those pages. Does not belong here: the story (`story`), what of a request may be seen (`story.redaction`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from postback_pipeline.console.page import Page, address
from postback_pipeline.console.tables import Table, money
from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.ledger import LedgerError, Peeked, Story, open_ledger
from postback_pipeline.ledger.settlement import REPLY_BYTES
from postback_pipeline.model import State
from postback_pipeline.pictures.question import published
from postback_pipeline.settings import Settings
from postback_pipeline.story.chapters import chapters
from postback_pipeline.story.part import Part
from postback_pipeline.story.postback_parts import postback_parts
from postback_pipeline.story.redaction import Redacted, redacted_request
from postback_pipeline.story.whole import read_whole

#: What a person may do to a postback in this state.
_STEPS = {
    State.PARKED: ("resolve", "replay"),
    State.REJECTED: ("replay",),
    State.EXPIRED: ("replay",),
    State.CANCELLED: ("replay",),
    State.PENDING: ("cancel",),
    State.RETRY: ("cancel",),
    State.HELD: ("cancel",),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One postback with the request that told of it."""

    story: Story
    parts: Sequence[Part]
    request: Redacted | None
    #: Why there is no request to show.
    without: str
    steps: Sequence[str]


def search(request: Request) -> Page | Response:
    """`/conversions?q=4711`."""
    settings: Settings = request.app.state.settings
    begin = request.query_params.get("q", "").strip()
    tables = {}
    if begin:
        with published(settings) as warehouse:
            found = warehouse.ask("found", {"begin": begin})
        if len(found.rows) == 1 or not found.rows:
            # What the warehouse does not know as a conversion may still be told of: a refused row, another id.
            key = found.records()[0]["conversion_key"] if found.rows else begin
            return RedirectResponse(address("conversions", key), status_code=303)
        links = {"conversion_key": lambda row: address("conversions", row["conversion_key"])}
        tables["found"] = Table("found", f"Conversions that begin with {begin}", found, links)
    return Page("conversions.html", "Conversions", tables, values={"begin": begin})


def conversion(request: Request) -> Page:
    """`/conversions/KEY`."""
    settings: Settings = request.app.state.settings
    key: str = request.path_params["key"]
    story = read_whole(settings, key)
    if not story.is_known:
        unknown = {"sentence": f"Nothing is known of {key}."}
        return Page("sentence.html", "Nothing found", values=unknown, status=404, notes=story.notes)
    parts = list(chapters(story.warehouse))
    values = {
        "key": key,
        "as_of": story.warehouse.as_of,
        "chapters": [each for each in parts if each.columns is None or each.rows],
        "absent": [each.heading for each in parts if each.columns is not None and not each.rows],
        "in_short": _in_short(story.warehouse.decisions),
        "postbacks": list(_told(settings, story.postbacks)),
    }
    return Page("conversion.html", key, values=values, notes=story.notes)


def _in_short(decisions: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Each destination's decision in a line."""
    return [
        (
            each["destination"],
            each["decision"],
            each["sentence"] or each["reason_code"],
            money(each["desired_value"], each["currency"]),
            money(each["reported_value"], each["currency"]),
            each["newest_state"],
        )
        for each in decisions
    ]


def _told(settings: Settings, stories: Sequence[Story]) -> Iterator[Told]:
    if not stories:
        return
    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            frozen = {each.postback_id: each for each in ledger.elements([story.postback_id for story in stories])}
    except LedgerError:
        frozen = {}
    for story in stories:
        made, without = _request(settings, story, frozen.get(story.postback_id))
        parts = tuple(postback_parts(story, reply_shown=REPLY_BYTES))
        yield Told(story, parts, made, without, _STEPS.get(story.state, ()))


def _request(settings: Settings, story: Story, frozen: Peeked | None) -> tuple[Redacted | None, str]:
    configured = settings.destinations.get(story.destination)
    if frozen is None:
        return None, "What was sent has been erased."
    if configured is None:
        return None, f"{story.destination} is no longer in the settings, so its requests cannot be made anew."
    try:
        built = build_destinations(settings)[story.destination]
        return redacted_request(built, configured, story, frozen, datetime.now(UTC)), ""
    except DestinationError as error:
        return None, f"Its request cannot be made anew: {error}"
