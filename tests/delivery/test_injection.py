"""Hostile values in click ids and order numbers: the receiver sees exactly one value each, and nothing else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from postback_pipeline.ledger import Ledger
from postback_pipeline.model import State
from tests.delivery.lines import WEBHOOK, Clock, desired, line_at
from tests.delivery.receivers import Hit, ok, receiving

CORPUS = [
    *("x&payout=9999#", "x;payout=9999", "x?payout=9999", "x=1&tid=2", "' OR 1=1--", '"; drop table clicks; --'),
    *("%0d%0aX-Evil: 1", "\r\nX-Evil: 1", "a\x00b", "\t", "%", "%2", "%25", "%26payout%3D9999", "+", " ", "a b+c"),
    *("{{7*7}}", "${7*7}", "{secret:KEY}", "{secret:CRM_SECRET}", "{payout}", "{subid}", "{", "}", "{}"),
    *("../../admin", "..%2f..%2fadmin", "/etc/passwd", "//evil.example/", "https://evil.example/", "@evil.example"),
    *('","payout":"9999', "\\", '\\"', "\\u0022", "<script>", "]]>", "\u2028", "\ufeff", "\u202etxt"),
    *("Übergröße", "e\u0301", "日本語", "🧾", "👩‍👩‍👧", "\U0010ffff", "\ue000", "x" * 2_000),
]

TEMPLATES = {
    "query": """
type = "url_template"
accepted_when = { status = [200] }
[conversion]
url = "URL/p?subid={subid}&payout={value}&key={secret:KEY}"
""",
    "path": """
type = "url_template"
accepted_when = { status = [200] }
[conversion]
url = "URL/p/{subid}/done?payout={value}&key={secret:KEY}"
""",
    "form": """
type = "url_template"
method = "POST"
accepted_when = { status = [200] }
[conversion]
url = "URL/p"
body = "subid={subid}&payout={value}&key={secret:KEY}"
""",
    "json": """
type = "url_template"
method = "POST"
accepted_when = { status = [200] }
[conversion]
url = "URL/p"
content_type = "application/json"
body = '{"subid": "{subid}", "payout": "{value}", "key": "{secret:KEY}"}'
""",
}
KEY = 'k&"{subid}\\'


def understood(place: str, hit: Hit) -> list[tuple[str, str]]:
    """The parameters as a receiver's framework decodes them, in order, repeated ones included."""
    if place == "query":
        return hit.query
    if place == "path":
        middle = parse_qsl("subid=" + hit.path.split("?")[0].split("/")[2].replace("+", "%2B"), strict_parsing=True)
        return [*middle, *hit.query]
    if place == "form":
        return parse_qsl(hit.body.decode(), strict_parsing=True, keep_blank_values=True)
    pairs: list[tuple[str, str]] = json.loads(hit.body, object_pairs_hook=list)
    return pairs


@pytest.mark.parametrize("place", sorted(TEMPLATES))
def test_a_receiver_sees_the_one_value_and_the_same_parameters(ledger: Ledger, clock: Clock, place: str) -> None:
    rows = [desired(number) for number in range(len(CORPUS))]
    hostile = [
        replace(row, facts=replace(row.facts, identifiers={"subid": value}))
        for row, value in zip(rows, CORPUS, strict=True)
    ]

    async def go() -> list[list[tuple[str, str]]]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, TEMPLATES[place], "concurrency = 1\n")
            line.environment["KEY"] = KEY
            # The ledger refuses zero characters before anything is rendered.
            line.enqueue(*(row for row in hostile if "\x00" not in row.facts.identifiers["subid"]))
            await line.drain()
            assert set(line.states()) == {State.ACCEPTED}
            return [understood(place, hit) for hit in receiver.hits]

    sent = [value for value in CORPUS if "\x00" not in value]
    assert sorted(asyncio.run(go())) == sorted([("subid", value), ("payout", "10.00"), ("key", KEY)] for value in sent)


def test_a_webhook_carries_any_text_unharmed(ledger: Ledger, clock: Clock) -> None:
    sent = [value for value in CORPUS if "\x00" not in value]
    rows = [
        replace(row, facts=replace(row.facts, transaction_id=value, identifiers={value: value}))
        for row, value in zip((desired(number) for number in range(len(sent))), sent, strict=True)
    ]

    async def go() -> list[tuple[str, tuple[str, str]]]:
        async with receiving(ok) as receiver:
            line = line_at(receiver.url, ledger, clock, WEBHOOK, "concurrency = 1\n")
            line.enqueue(*rows)
            await line.drain()
            bodies = [json.loads(hit.body) for hit in receiver.hits]
            return sorted((body["transaction_id"], *body["identifiers"].items()) for body in bodies)

    assert asyncio.run(go()) == sorted((value, (value, value)) for value in sent)
