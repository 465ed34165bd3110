"""A sample is sent and read as everything else is, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from postback_pipeline.delivery.sample import TriedOut, try_out
from postback_pipeline.destinations.base import Element, Reading, Reply, Verdict
from postback_pipeline.model import Kind
from postback_pipeline.settings import DestinationSettings
from tests.delivery.receivers import Answer, receiving, replying
from tests.delivery.test_access_token import CREDENTIALS, Office, Tokened

ELEMENT = Element("purchase:1.1", Kind.CONVERSION, "an order")


class Tripping(Tokened):
    """An adapter that breaks its contract."""

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        raise KeyError(reply.body)


def tried(kind: type[Tokened], answer: Answer) -> TriedOut:
    async def run() -> TriedOut:
        async with receiving(answer) as receiver:
            table: dict[str, Any] = {"type": kind.type, "base_url": receiver.url}
            settings = DestinationSettings(**table)
            return await try_out(kind.from_settings("partner", settings), settings, ELEMENT, CREDENTIALS)

    return asyncio.run(run())


def test_a_sample_leaves_with_a_token_and_brings_its_verdict() -> None:
    office = Office()
    found = tried(Tokened, office.answer)
    assert (office.asked, office.taken) == (1, ["an order"])
    assert (found.verdict and found.verdict.reading, found.error) == (Reading.ACCEPTED, None)


def test_a_reply_that_trips_an_adapter_is_no_verdict() -> None:
    found = tried(Tripping, Office().answer)
    assert found.reply is not None
    assert found.reply.body == b"OK"
    assert found.verdict == Verdict(Reading.UNKNOWN, "the reply could not be read (KeyError)")


@pytest.mark.parametrize("status", [400, 503])
def test_without_a_token_no_sample_leaves(status: int) -> None:
    assert tried(Tokened, replying(status)) == TriedOut(None, None, f"no access token: HTTP {status}")
