"""Rows 27, 36, 37 and 38 of the failure matrix: values that break things, break out, are too long, or are secret."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.destinations.request_forms import MAX_BODY
from postback_pipeline.ledger import Action, Ledger, create_ledger, open_ledger
from postback_pipeline.model import Desired, State
from tests.delivery.lines import SECRET, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, receiving
from tests.faults.oracle import PIXEL
from tests.faults.played import Play, play
from tests.faults.processes import site

#: Surrogates, zero characters, line breaks, all planes of Unicode.
ANY_TEXT = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["\ud800", "a\x00b", "\r\nX-Evil: 1", "\U0010ffff", "\u202e", "\ufeff", "%", "{secret:CRM_SECRET}", "💸" * 10]
)

FULL = PIXEL.replace("tid={transaction_id}", "tid={transaction_id}&s={subid?}&e={event_id?}&c={click_id?}&n={event}")


@contextmanager
def fresh_ledger(folder: Path, clock: Clock) -> Iterator[Ledger]:
    """For one example of a property."""
    for old in folder.glob("example*"):
        old.unlink()
    url = f"sqlite:///{folder / 'example.sqlite'}"
    create_ledger(url, "test", clock=clock)
    with open_ledger(url, "test", clock=clock) as ledger:
        yield ledger


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    poison=st.fixed_dictionaries(
        {
            "transaction_id": ANY_TEXT,
            "event_id": ANY_TEXT,
            "click_id": ANY_TEXT,
            "receiver_event": ANY_TEXT,
            "identifiers": st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2) | ANY_TEXT.map(lambda text: {"subid": text}),
        }
    ),
    person=st.dictionaries(st.sampled_from(["email", "phone", "ip", "user_agent"]), ANY_TEXT),
    kind=st.sampled_from([FULL, WEBHOOK]),
)
def test_row_27_a_poisonous_row_stops_at_itself(
    tmp_path: Path, clock: Clock, poison: dict[str, Any], person: dict[str, str], kind: str
) -> None:
    async def go(ledger: Ledger) -> None:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, kind)
            poisoned = desired(1)
            poisoned = replace(poisoned, facts=replace(poisoned.facts, **poison), person=person)
            report = line.enqueue(desired(0), poisoned, desired(2))
            assert report.actions.get(Action.REFUSED, 0) + report.inserted == 3
            await line.drain()
            states = {story.conversion_key: story.state for story in line.stories()}
            assert states["purchase:order-0"] is states["purchase:order-2"] is State.ACCEPTED
            assert states.get("purchase:order-1", State.REJECTED) in (State.ACCEPTED, State.REJECTED)
            assert len(receiver.hits) == list(states.values()).count(State.ACCEPTED)

    with fresh_ledger(tmp_path, clock) as ledger:
        asyncio.run(go(ledger))


@pytest.mark.parametrize(
    "value", ["x&value=9999#", "' OR 1=1--", "%0d%0aX-Evil: 1", "{{7*7}}", "../", "&kind=retraction"]
)
def test_row_36_a_click_id_stays_one_value_in_the_same_parameters(any_ledger: Ledger, clock: Clock, value: str) -> None:
    async def acts(begun: Play) -> None:
        row = desired(0)
        begun.line.enqueue(replace(row, facts=replace(row.facts, identifiers={"subid": value})))
        await begun.drain()
        (hit,) = begun.receiver.hits
        query = dict(hit.query)
        assert (query["s"], query["value"], query["kind"]) == (value, "10.00", "conversion")
        assert len(hit.query) == len(query) == 9
        assert not any("evil" in name.lower() for name in hit.headers)
        begun.account(1)

    play(ok, any_ledger, clock, acts, kind=FULL)


BATCH = """
type = "batch_webhook"
url = "URL/batch"
secret_env = "CRM_SECRET"
batch_rows = 4
batch_bytes = 2000
"""


def accepting_all() -> Any:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        postbacks = json.loads(receiver.hits[-1].body)["postbacks"]
        return web.json_response({"results": [{"key": each["key"], "status": "accepted"} for each in postbacks]})

    return answer


def sized(number: int, length: int) -> Desired:
    """A row whose element has about so many bytes more than another one."""
    row = desired(number)
    return replace(row, facts=replace(row.facts, identifiers={"subid": "x" * length}))


def test_row_37_batches_keep_to_rows_and_bytes_and_a_row_that_fits_none_is_refused(
    any_ledger: Ledger, clock: Clock
) -> None:
    async def acts(begun: Play) -> None:
        report = begun.line.enqueue(*(sized(number, 150 * (number % 4)) for number in range(12)), sized(12, 2_000))
        assert (report.inserted, report.actions[Action.REFUSED]) == (12, 1)
        assert report.refusals[0].conversion_key == "purchase:order-12"
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 12
        for hit in begun.receiver.hits:
            elements = [json.dumps(each, separators=(",", ":")) for each in json.loads(hit.body)["postbacks"]]
            assert 1 <= len(elements) <= 4
            assert len(elements) == 1 or sum(map(len, elements)) <= 2_000
        begun.account(12)

    play(accepting_all(), any_ledger, clock, acts, kind=BATCH, options="concurrency = 1\n")


def test_row_37_the_longest_element_leaves_and_one_byte_more_is_refused(ledger: Ledger, clock: Clock) -> None:
    async def acts(begun: Play) -> None:
        begun.line.enqueue(sized(0, 0))
        (peeked,) = ledger.peek("partner", 1)
        room = MAX_BODY - len(peeked.element.encode())
        report = begun.line.enqueue(sized(1, room), sized(2, room + 1))
        assert (report.inserted, report.actions[Action.REFUSED]) == (1, 1)
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 2
        assert max(len(hit.body) for hit in begun.receiver.hits) == MAX_BODY

    play(ok, ledger, clock, acts, kind=WEBHOOK)


EMAIL = "ada.canary@example.com"
PERSON = {"email": EMAIL, "ip": "198.51.100.77"}
CANARIES = (
    *PERSON.values(),
    hashlib.sha256(EMAIL.encode()).hexdigest(),
    "click-canary",
    SECRET.removeprefix("whsec_"),
    base64.b64decode(SECRET.removeprefix("whsec_")).decode(),
)

#: A tracker whose every request has a person and a secret in it.
PERSONAL = FULL.replace("tid={transaction_id}", "tid={transaction_id}&k={secret:CRM_SECRET}&em={email_sha256}&ip={ip}")


@pytest.mark.parametrize("kind", [PERSONAL, WEBHOOK], ids=["url_template", "webhook"])
def test_row_38_no_log_line_error_or_attempt_shows_a_person_or_a_secret(
    sqlite_url: str, tmp_path: Path, kind: str
) -> None:
    """Receivers that fail in every way and quote what they got, every logger at its most talkative."""
    replies = [200, 302, 400, 401, 409, 429, 500, 503]

    async def echo(request: web.Request, receiver: Receiver) -> web.Response:
        body = await request.text() + str(request.rel_url) + " ".join(CANARIES)
        status = replies[len(receiver.hits) % len(replies)]
        if len(receiver.hits) % 9 == 8 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status, text=body, headers={"Location": f"/{CANARIES[3]}", "X-Note": EMAIL})

    said = tmp_path / "said.txt"
    with site(sqlite_url, tmp_path, echo, kind=kind, options="concurrency = 1\n") as here:

        def fill(line: Line) -> None:
            rows = [
                replace(row, facts=replace(row.facts, identifiers={"subid": CANARIES[3]}), person=PERSON)
                for row in (desired(number) for number in range(16))
            ]
            line.enqueue(*rows)

        here.with_ledger(fill)
        for _ in range(6):
            here.drain(says_to=str(said))
            here.with_ledger(lambda line: line.ledger.resume("partner", actor="ann", reason="go on"))
            here.clock.forward(4_000)
        assert len(here.receiver.hits) > 12
        # They do leave; a secret that signs is in a request only by what it signed.
        wire = repr([(hit.query, hit.body) for hit in here.receiver.hits])
        assert {word for word in CANARIES if word in wire} >= {CANARIES[2], CANARIES[3]}
        kept = here.with_ledger(lambda line: repr((line.stories(), line.ledger.status())))
    texts = {"log": said.read_text(encoding="utf-8"), "stories": kept, "ledger": dumped(sqlite_url)}
    assert [(name, word) for name, text in texts.items() for word in CANARIES if word in text] == []
    assert "asyncio" in texts["log"], "the loggers did talk"


def dumped(url: str) -> str:
    """Everything in a ledger but the elements, which are the payload, and the facts they were rendered from."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE postbacks SET element = NULL, identifiers = '{}'")
        return "\n".join(connection.iterdump())
