"""Batches: one signed request, one result per key, and every other reply about all of them or none."""

from __future__ import annotations

import base64
import json
import random
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reading, Reply, Verdict
from postback_pipeline.destinations.standard_webhooks import signature
from postback_pipeline.model import Kind, Postback
from postback_pipeline.settings import DestinationSettings

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEY = b"0123456789abcdef01234567"
HOOK = 'type = "batch_webhook"\nurl = "https://lake.example/hook"\nsecret_env = "LAKE_SECRET"\n'

ELEMENTS = [Element(f"purchase:{number}.1", Kind.CONVERSION, f'{{"key":"purchase:{number}.1"}}') for number in range(4)]
LAKE = DESTINATIONS["batch_webhook"].from_settings("lake", DestinationSettings(**tomllib.loads(HOOK)))


def read(results: Any, status: int = 200) -> list[Verdict]:
    return LAKE.read(Reply(status, {}, json.dumps(results).encode()), ELEMENTS)


def accepted(element: Element) -> dict[str, Any]:
    return {"key": element.key, "status": "accepted"}


def test_a_request_holds_the_elements_as_they_are_and_is_signed_whole(
    configure: Callable[[str], Destination], make_postback: Callable[..., Postback]
) -> None:
    destination = configure(HOOK)
    postbacks = [make_postback(kind) for kind in Kind]
    elements = [Element(each.key, each.kind, destination.render(each)) for each in postbacks]
    secrets = {"LAKE_SECRET": base64.b64encode(KEY).decode()}
    request = destination.request(elements, secrets=secrets, sent_at=NOW)
    assert json.loads(request.body) == {"postbacks": [json.loads(element.text) for element in elements]}
    assert all(element.text.encode() in request.body for element in elements)
    message_id, timestamp = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
    assert request.headers["webhook-signature"] == signature(KEY, message_id, timestamp, request.body)
    again = destination.request(elements, secrets=secrets, sent_at=NOW).headers["webhook-id"]
    fewer = destination.request(elements[1:], secrets=secrets, sent_at=NOW).headers["webhook-id"]
    assert message_id == again != fewer


def test_its_elements_are_the_bodies_of_a_webhook(
    configure: Callable[[str], Destination], make_postback: Callable[..., Postback]
) -> None:
    alone = configure(HOOK.replace("batch_webhook", "webhook"))
    assert all(configure(HOOK).render(make_postback(kind)) == alone.render(make_postback(kind)) for kind in Kind)


def test_results_are_found_by_key_in_any_order() -> None:
    results = [
        {"key": "purchase:3.1", "status": "retry", "reason": "busy"},
        {"key": "purchase:1.1", "status": "rejected", "reason": "Ada Lovelace is unknown"},
        {"key": "purchase:0.1", "status": "accepted", "reason": None},
        {"key": "purchase:2.1", "status": "duplicate", "extra": [1]},
    ]
    assert read({"results": results, "took_ms": 3}) == [
        Verdict(Reading.ACCEPTED, "accepted"),
        Verdict(Reading.REJECTED, "rejected"),
        Verdict(Reading.DUPLICATE, "duplicate"),
        Verdict(Reading.RETRY, "retry: busy"),
    ]


@pytest.mark.parametrize(
    "results",
    [
        [accepted(element) for element in ELEMENTS[1:]],
        [*map(accepted, ELEMENTS), {"key": "purchase:9.1", "status": "accepted"}],
        [*map(accepted, ELEMENTS[1:]), {"key": "purchase:9.1", "status": "accepted"}],
        [*map(accepted, ELEMENTS[1:]), accepted(ELEMENTS[1])],
        [*map(accepted, ELEMENTS), accepted(ELEMENTS[1])],
        [*map(accepted, ELEMENTS[1:]), {"key": "purchase:0.1", "status": "ok"}],
        [*map(accepted, ELEMENTS[1:]), {"key": "purchase:0.1"}],
        [*map(accepted, ELEMENTS[1:]), {"key": "purchase:0.1", "status": ["accepted"]}],
        [*map(accepted, ELEMENTS[1:]), {"key": "purchase:0.1", "status": "accepted", "reason": {}}],
        [*map(accepted, ELEMENTS[1:]), "purchase:0.1"],
        {element.key: "accepted" for element in ELEMENTS},
        "accepted",
        None,
        4,
    ],
)
def test_what_cannot_be_told_apart_is_unknown_for_all(results: Any) -> None:
    assert [verdict.reading for verdict in read({"results": results})] == [Reading.UNKNOWN] * 4


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"[]", b'{"results": [', b'{"status": "accepted"}', b"\xff", b"[" * 99_999]
)
def test_success_without_results_is_unknown(body: bytes) -> None:
    assert [verdict.reading for verdict in LAKE.read(Reply(200, {}, body), ELEMENTS)] == [Reading.UNKNOWN] * 4


@pytest.mark.parametrize(
    ("status", "reading"),
    [
        (400, Reading.REJECTED),
        (413, Reading.REJECTED),
        (422, Reading.REJECTED),
        (429, Reading.RETRY),
        (503, Reading.RETRY),
        (401, Reading.CONFIGURATION),
        (404, Reading.CONFIGURATION),
        (500, Reading.UNKNOWN),
        (302, Reading.UNKNOWN),
    ],
)
def test_another_status_is_about_the_request_as_a_whole(status: int, reading: Reading) -> None:
    verdicts = read({"results": [accepted(element) for element in ELEMENTS]}, status)
    assert {(verdict.reading, verdict.on_request) for verdict in verdicts} == {(reading, True)}
    assert len(verdicts) == 4


@given(st.lists(st.sampled_from(["accepted", "duplicate", "rejected", "retry"]), max_size=60), st.randoms())
def test_every_row_gets_its_own_verdict(statuses: list[str], chance: random.Random) -> None:
    elements = [Element(f"k{number}", Kind.CONVERSION, "{}") for number in range(len(statuses))]
    results = [{"key": element.key, "status": status} for element, status in zip(elements, statuses, strict=True)]
    chance.shuffle(results)
    verdicts = LAKE.read(Reply(200, {}, json.dumps({"results": results}).encode()), elements)
    assert [verdict.reason for verdict in verdicts] == statuses
    assert not any(verdict.on_request for verdict in verdicts)


def test_the_longest_reply_grows_with_the_batch() -> None:
    keys = [f"purchase:{'x' * 200}{number}.1" for number in range(1_000)]
    elements = [Element(key, Kind.CONVERSION, "{}") for key in keys]
    secrets = {"LAKE_SECRET": base64.b64encode(KEY).decode()}
    results = [{"key": key, "status": "rejected", "reason": "a" * 40} for key in keys]
    request = LAKE.request(elements, secrets=secrets, sent_at=NOW)
    assert len(json.dumps({"results": results}, indent=4)) < request.longest_reply < 2 * 1024 * 1024


def test_an_element_that_no_request_can_hold_is_refused_when_rendered(
    configure: Callable[[str], Destination], make_postback: Callable[..., Postback]
) -> None:
    destination = configure(HOOK + "batch_bytes = 1024\n")
    assert destination.render(make_postback(identifiers={"gclid": "x" * 100}))
    with pytest.raises(DestinationError, match="longer than 1024 bytes"):
        destination.render(make_postback(identifiers={"gclid": "x" * 900}))


def test_it_says_how_much_it_takes_at_a_time(configure: Callable[[str], Destination]) -> None:
    can = configure(HOOK).capabilities
    assert (can.batch_rows, can.batch_bytes, can.one_bad_fails_all) == (1_000, 1024 * 1024, True)
    with pytest.raises(DestinationError, match=r"^destinations\.partner: batch_rows: "):
        configure(HOOK + "batch_rows = 0\n")
