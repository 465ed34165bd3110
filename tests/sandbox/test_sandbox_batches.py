"""A request with many postbacks: each is a line of the log, and has its own answer."""

from __future__ import annotations

import base64
import time
from typing import Any

import httpx
import pytest

from postback_pipeline.destinations.standard_webhooks import signature

SECRET = b"a demo secret of many bytes"


def post(network: Any, *keys: str, message_id: str = "m-1", **headers: str) -> httpx.Response:
    postbacks = [{"key": key, "transaction_id": key, "value": "2.50", "currency": "EUR"} for key in keys]
    reply: httpx.Response = network.client.post(
        "/lake/hook", json={"postbacks": postbacks}, headers={"webhook-id": message_id, **headers}
    )
    return reply


def statuses(reply: httpx.Response) -> list[tuple[str, str]]:
    return [(result["key"], result["status"]) for result in reply.json()["results"]]


def test_every_postback_is_logged_taken_and_answered_for_itself(network: Any) -> None:
    assert statuses(post(network, "a", "b")) == [("a", "accepted"), ("b", "accepted")]
    assert statuses(post(network, "b", "c", message_id="m-2")) == [("b", "duplicate"), ("c", "accepted")]
    assert [(line["id"], line["batch"], line["answer"], line["body"]["key"]) for line in network.lines()] == [
        ("a", "m-1", "accepted", "a"),
        ("b", "m-1", "accepted", "b"),
        ("b", "m-2", "duplicate", "b"),
        ("c", "m-2", "accepted", "c"),
    ]
    received = network.received("lake")
    assert (received["received"], received["answers"]) == (4, {"accepted": 3, "duplicate": 1})
    assert (received["values"], received["taken_twice"]) == ({"EUR": "7.50"}, 0)


def test_a_rejected_one_leaves_the_others_alone_or_fails_them_all(network: Any) -> None:
    bad = {"reject_when": {"key": "b"}}
    network.behave(receivers={"lake": bad})
    assert statuses(post(network, "a", "b")) == [("a", "accepted"), ("b", "rejected")]
    network.behave(receivers={"lake": {**bad, "one_bad_fails_all": True}})
    assert post(network, "c", "b").status_code == 422
    assert statuses(post(network, "c")) == [("c", "accepted")]
    assert [line["answer"] for line in network.lines()] == ["accepted", "rejected", "rejected", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("behaviour", "status", "word"),
    [({"throttle_first": 1}, 429, "throttled"), ({"error_share": 1.0}, 500, "failed")],
)
def test_a_request_that_is_not_looked_at_takes_nothing(
    network: Any, behaviour: dict[str, Any], status: int, word: str
) -> None:
    network.behave(receivers={"lake": behaviour})
    assert post(network, "a", "b").status_code == status
    assert [line["answer"] for line in network.lines()] == [word, word]
    network.behave()
    assert statuses(post(network, "a", "b")) == [("a", "accepted"), ("b", "accepted")]


def test_an_answer_that_makes_no_sense_may_have_taken_them(network: Any) -> None:
    network.behave(receivers={"lake": {"garbage_share": 1.0}})
    reply = post(network, "a", "b")
    assert reply.status_code == 200
    assert b"results" not in reply.content
    network.behave()
    assert statuses(post(network, "a", "b")) == [("a", "duplicate"), ("b", "duplicate")]


def test_a_failed_batch_may_succeed_when_it_is_sent_again(network: Any) -> None:
    network.behave(receivers={"lake": {"error_share": 0.5}})
    statuses = {post(network, "a", "b").status_code for _ in range(20)}
    assert statuses == {500, 200}


def test_one_batch_makes_sense_as_likely_as_one_message(network: Any) -> None:
    network.behave(receivers={"lake": {"garbage_share": 0.05}})
    keys = [[f"{batch}-{number}" for number in range(100)] for batch in range(20)]
    replies = [post(network, *each, message_id=f"m-{each[0]}") for each in keys]
    assert sum(b"results" in reply.content for reply in replies) > 10


def test_a_batch_that_is_rejected_whole_says_so_even_where_answers_may_make_no_sense(network: Any) -> None:
    behaviour = {"garbage_share": 1.0, "one_bad_fails_all": True, "reject_when": {"key": "b"}}
    network.behave(receivers={"lake": behaviour})
    assert post(network, "a", "b").status_code == 422


def test_the_signature_is_over_the_whole_body(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_SECRET", base64.b64encode(SECRET).decode())
    network.behave(receivers={"lake": {"secret_env": "LAKE_SECRET"}})
    assert post(network, "a", "b").status_code == 401
    request = network.client.build_request("POST", "/lake/hook", json={"postbacks": [{"key": "a"}]})
    stamp = int(time.time())
    request.headers["webhook-id"] = "m-3"
    request.headers["webhook-timestamp"] = str(stamp)
    request.headers["webhook-signature"] = signature(SECRET, "m-3", stamp, request.content)
    assert statuses(network.client.send(request)) == [("a", "accepted")]


def test_what_is_no_list_of_postbacks_is_one_message(network: Any) -> None:
    for body in ({"postbacks": "none", "key": "x"}, {"postbacks": ["a"], "key": "y"}):
        assert network.client.post("/lake/hook", json=body).json()["status"] == "accepted"
    assert len(network.lines()) == 2
