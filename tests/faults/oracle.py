"""What every fault ends with: the receiver's own notes against the ledger, by the four checks.

Belongs here: taking notes at a receiver and asserting that nothing is lost, doubled, unexplained or changed. Does not
belong here: the checks themselves (`benchmarks.crash_oracle`), faults.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aiohttp import web

from benchmarks.crash_oracle import Hit, compare
from postback_pipeline.ledger import Story
from tests.delivery.receivers import Answer, Receiver

_QUERY = "key={key}&kind={kind}&revision={revision}&value={value}&tid={transaction_id}"

#: A tracker that keeps both of two messages with one key, and is told all that a check needs.
PIXEL = f"""
type = "url_template"
accepted_when = {{ status = [200], body_regex = "^OK$" }}
rejected_when = {{ status = [400] }}
duplicate_when = {{ status = [409] }}
[conversion]
url = "URL/p?{_QUERY}"
[restatement]
url = "URL/p?{_QUERY}"
[retraction]
url = "URL/p?{_QUERY}"
"""

#: Replies by which a receiver says that it took nothing.
_REFUSALS = frozenset({400, 401, 403, 409, 422, 429, 503})


@dataclass
class Book:
    """What one receiver was told, request by request, in order of arrival."""

    hits: list[Hit] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """Of every postback in every fully read request."""
        return [hit.key for hit in self.hits]

    def noting(self, answer: Answer) -> Answer:
        """An answer before which the request is noted, and after which the refused ones are crossed out."""

        async def note(request: web.Request, receiver: Receiver) -> web.StreamResponse:
            told = _told(request, await request.read())
            first = len(self.hits)
            self.hits += told
            response = await answer(request, receiver)
            if response.status in _REFUSALS:
                for place in range(first, first + len(told)):
                    self.hits[place] = replace(self.hits[place], taken=False)
            return response

        return note


def account(
    stories: Sequence[Story], hits: Sequence[Hit], *, deduplicates: bool = False, wanted: Collection[str] = ()
) -> None:
    """Asserts the four checks over everything that one destination was to be told.

    Args:
        stories: of all its postbacks.
        hits: the receiver's notes.
        deduplicates: whether the receiver drops a key that it knows.
        wanted: keys of the conversions that were enqueued.
    """
    findings = compare(stories, hits, deduplicates=deduplicates, wanted=wanted)
    assert findings.wrong == []
    if not deduplicates:
        assert findings.duplicated == []


def orders(count: int) -> list[str]:
    """Keys of the conversions about `tests.delivery.lines.desired(0)` and so on."""
    return [f"purchase:order-{number}" for number in range(count)]


def _told(request: web.Request, body: bytes) -> list[Hit]:
    if not body:
        query = request.query
        return [Hit(query["key"], query["kind"], int(query["revision"]), Decimal(query["value"]))]
    found = json.loads(body)
    postbacks = found.get("postbacks", [found])
    return [Hit(each["key"], each["type"], int(each["revision"]), Decimal(each["value"])) for each in postbacks]
