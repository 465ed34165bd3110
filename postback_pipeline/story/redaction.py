"""The request of one postback for people's eyes: neither a secret nor anything of the person in it.

Belongs here: deciding which values of a request may be shown. Only what is known to be harmless is: what the ledger's
row says of the conversion itself, what stands in the settings, and what the adapter writes for everybody. Whatever else
there is, is hidden, whoever put it there. Does not belong here: making the request (`requests`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from postback_pipeline.model import postback_key
from postback_pipeline.story.requests import Previewed, preview_request

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination
    from postback_pipeline.ledger import Peeked, Story
    from postback_pipeline.settings import DestinationSettings

#: What `preview_request` puts in a secret's place, alone or behind a word such as Bearer.
_SECRET = re.compile(r"(?:[A-Za-z]+ )?\{(?:secret:|computed with )[^{}]*\}")
_BETWEEN_WORDS = re.compile(r"[\s/?&=:;,'\"{}\[\]]+")
#: By what receivers' amounts differ from ours: whole units, cents, millionths.
_SCALES = (1, 100, 1_000, 1_000_000)
#: Headers that say how a body is written, and nothing of what is in it.
_PLAIN_HEADERS = ("Content-Type", "Content-Encoding", "Accept")


@dataclass(frozen=True, slots=True)
class Redacted:
    """One request as text; what is hidden says so."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: str


def redacted_request(
    destination: Destination, settings: DestinationSettings, story: Story, frozen: Peeked, now: datetime
) -> Redacted:
    """The request that told, or would tell, the receiver of this one postback, made anew from its frozen element.

    A batch told of more than this one; what is signed or stamped at sending bears `now`.

    Raises:
        DestinationError: no request can be made of it, as after a change of settings.
    """
    from postback_pipeline.destinations.base import Element

    made = preview_request(destination, [Element(frozen.key, frozen.kind, frozen.element)], sent_at=now)
    harmless = {*_words(settings), *_of_everybody(destination, story.receiver_event, now)}
    shown = _Shown(story, harmless)
    return Redacted(
        line=f"{made.method} {_url(made.url, shown)}",
        headers=tuple(
            (name, value if name in _PLAIN_HEADERS else shown(value)) for name, value in made.headers.items()
        ),
        body=_body(made.body, shown),
    )


class _Shown:
    """A value as it is where it is known to be harmless, else how much of it there is."""

    def __init__(self, story: Story, harmless: set[str]) -> None:
        key = postback_key(story.conversion_key, story.revision)
        facts = (story.conversion_key, key, story.transaction_id, story.event_id, story.receiver_event)
        names = (story.event_name, story.currency, str(story.kind), story.destination)
        self._texts = {text for text in (*facts, *names) if text} | harmless
        before = story.previous_value or Decimal(0)
        amounts = (story.value, before, story.value - before, before - story.value)
        self._numbers = {amount * scale for amount in amounts for scale in _SCALES} | {Decimal(story.revision)}
        self._times = {each for each in (story.action_at, story.event_time, story.clicked_at) if each}
        for each in self._times:
            seconds = Decimal(int(each.timestamp()))
            self._numbers |= {seconds, *(seconds * scale for scale in (1_000, 1_000_000))}

    def __call__(self, value: str) -> str:
        """Text of text."""
        return value if self.is_harmless(value) else f"[hidden, {len(value)} characters]"

    def is_harmless(self, value: str) -> bool:
        """Whether anybody may see it."""
        return (
            not value
            or value in self._texts
            or _SECRET.fullmatch(value) is not None
            or _number(value) in self._numbers
            or _time(value) in self._times
        )

    def json(self, value: Any) -> Any:
        """JSON with the same keys."""
        if isinstance(value, dict):
            return {name: self.json(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.json(each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        return value if self.is_harmless(str(value)) else self(str(value))


def _number(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    # Of what is no number, not even the hash may be asked for.
    return found if found.is_finite() else None


def _time(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _url(url: str, shown: Callable[[str], str]) -> str:
    parts = urlsplit(url)
    path = "/".join(_quoted(shown(unquote(each))) for each in parts.path.split("/"))
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={_quoted(shown(value))}" for name, value in pairs)
    return f"{parts.scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def _quoted(text: str) -> str:
    return quote(text, safe="[]{} ,:@+-._~")


def _body(body: str, shown: _Shown) -> str:
    if not body:
        return ""
    try:
        return json.dumps(shown.json(json.loads(body)), indent=2, ensure_ascii=False)
    except ValueError:
        pairs = parse_qsl(body, keep_blank_values=True)
    if pairs and "=" in body and "\n" not in body:
        return "\n".join(f"{name}={shown(value)}" for name, value in pairs)
    return shown(body)


def _words(settings: DestinationSettings) -> Iterator[str]:
    """What stands in a destination's settings, whole and in words: none of it is a secret or anybody's."""

    def strings(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for each in value.values():
                yield from strings(each)
        elif isinstance(value, list | tuple):
            for each in value:
                yield from strings(each)
        elif isinstance(value, str):
            yield value
            yield from _BETWEEN_WORDS.split(value)

    yield from strings(settings.model_dump(mode="json"))


def _of_everybody(destination: Destination, receiver_event: str, now: datetime) -> Iterator[str]:
    """What the adapter writes into the request of a conversion that nobody made."""
    from postback_pipeline.delivery.sample import sample_postback
    from postback_pipeline.destinations.base import DestinationError, Element
    from postback_pipeline.destinations.vendor import Vendor

    if not isinstance(destination, Vendor):
        return
    try:
        postback = sample_postback(destination, receiver_event, now)
        element = Element(postback.key, postback.kind, destination.render(postback))
        made = preview_request(destination, [element], sent_at=now)
    except DestinationError:
        return
    yield from made.headers.values()
    yield from urlsplit(made.url).path.split("/")
    yield from (value for _, value in parse_qsl(urlsplit(made.url).query))
    yield from _leaves(made)


def _leaves(made: Previewed) -> Iterator[str]:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for each in value.values():
                yield from walk(each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)
        else:
            yield str(value)

    try:
        yield from walk(json.loads(made.body))
    except ValueError:
        yield from (value for _, value in parse_qsl(made.body))
