"""Receivers that refuse a whole request and name the row to blame: it alone is rejected, by the real engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from postback_pipeline.ledger import Ledger
from postback_pipeline.model import State
from tests.delivery.lines import Clock
from tests.delivery.receivers import Receiver, receiving
from tests.destinations.samples import GOLDEN
from tests.destinations.test_vendor_stories import line_to, orders

BAD = "order-2"


def reddit(rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """As ads-api.reddit.com/docs/v3 says it."""
    bad = [number for number, row in enumerate(rows) if BAD in row["metadata"]["conversion_id"]]
    if bad:
        fields = [{"field": f"$.data.events[{number}].user.UUID", "message": "invalid"} for number in bad]
        return 400, {"error": {"code": 400, "message": "None were processed.", "fields": fields}}
    return 200, {"data": {"message": f"Successfully processed {len(rows)} conversion events."}}


def linkedin(rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """As LinkedIn was seen to say it."""
    bad = [number for number, row in enumerate(rows) if BAD in row["eventId"]]
    if bad:
        return 422, {"message": "".join(f"Index: {number}, ERROR :: /user :: invalid\n" for number in bad)}
    return 200, {"elements": [{"status": 201}] * len(rows)}


@pytest.mark.parametrize("vendor", [reddit, linkedin], ids=["reddit", "linkedin"])
def test_the_named_row_is_rejected_and_the_others_are_taken(vendor: Any, ledger: Ledger, clock: Clock) -> None:
    folder = GOLDEN / vendor.__name__
    taken: list[int] = []

    async def answer(request: web.Request, notes: Receiver) -> web.StreamResponse:
        if request.path == "/token":
            return web.json_response({"access_token": "t", "expires_in": 3600})
        body = json.loads(notes.hits[-1].body)
        rows = body["data"]["events"] if "data" in body else body["elements"]
        status, said = vendor(rows)
        taken.append(len(rows) if status == 200 else 0)
        return web.json_response(said, status=status)

    async def story() -> None:
        async with receiving(answer) as notes:
            line = line_to(folder, ledger, clock, notes.url)
            assert not line.enqueue(*orders(folder, "10.00", 0)).refusals
            await line.drain()
            clock.forward(hours=1)
            await line.drain()
            states = {story.conversion_key: story.state for story in line.stories()}
            assert states.pop(f"purchase:{BAD}") is State.REJECTED
            assert set(states.values()) == {State.ACCEPTED}

    asyncio.run(story())
    assert taken == [0, len(orders(folder, "10.00", 0)) - 1]
