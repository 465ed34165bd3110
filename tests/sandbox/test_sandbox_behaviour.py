"""Receivers that take, refuse, throttle, fail and babble as they are told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from postback_pipeline.sandbox import (
    Behaviour,
    SandboxConfig,
    SandboxError,
    load_sandbox_config,
    sandbox_thread,
    serve_sandbox,
)

SECRET = "whsec_" + base64.b64encode(b"a demo secret of many bytes").decode()


def test_what_was_taken_once_is_a_duplicate_for_that_receiver_only(network: Any) -> None:
    assert network.get(key="k", value="1.00").json() == {"status": "accepted", "id": "k", "reason": None}
    assert network.get(key="k", value="1.00").json()["status"] == "duplicate"
    assert network.get("/meta/conversion", key="k").json()["status"] == "accepted"


def test_without_a_key_transaction_and_kind_tell_the_same_apart(network: Any) -> None:
    sent = [("1", "conversion"), ("1", "retraction"), ("2", "conversion"), ("1", "conversion")]
    answers = [network.get(transaction_id=transaction, kind=kind).json()["status"] for transaction, kind in sent]
    assert answers == ["accepted", "accepted", "accepted", "duplicate"]


def test_a_webhook_is_known_by_its_id(network: Any) -> None:
    def post(message_id: str, key: str) -> Any:
        return network.client.post("/crm/hook", json={"key": key}, headers={"webhook-id": message_id}).json()

    assert [post("a", "1")["status"], post("a", "2")["status"], post("b", "1")["status"]] == [
        "accepted",
        "duplicate",
        "accepted",
    ]


def test_requests_that_carry_nothing_of_the_kind_are_all_different(network: Any) -> None:
    replies = [network.get(value="1.00").json() for _ in range(2)]
    assert [reply["status"] for reply in replies] == ["accepted", "accepted"]
    assert replies[0]["id"] != replies[1]["id"]


def test_what_makes_requests_the_same_can_be_configured(network: Any) -> None:
    network.behave(receivers={"google": {"dedup_on": ["subid", "x-batch"]}})

    def get(subid: str, batch: str) -> Any:
        return network.client.get("/google/c", params={"subid": subid, "key": "k"}, headers={"X-Batch": batch}).json()

    assert [get(*ids)["status"] for ids in (("1", "a"), ("1", "b"), ("1", "a"))] == [
        "accepted",
        "accepted",
        "duplicate",
    ]


def test_a_receiver_without_deduplication_takes_it_twice_and_says_so(network: Any) -> None:
    network.behave(default={"deduplicates": False})
    assert [network.get(key="k").json()["status"] for _ in range(3)] == ["accepted"] * 3
    assert network.received()["taken_twice"] == 2


def test_a_rule_rejects_what_fits_it_whole(network: Any) -> None:
    network.behave(receivers={"google": {"reject_when": {"currency": "XXX", "kind": "conversion"}}})
    refused = network.get(key="1", currency="XXX", kind="conversion")
    assert (refused.status_code, refused.json()["status"]) == (422, "rejected")
    assert network.get(key="2", currency="XXX", kind="retraction").json()["status"] == "accepted"


def test_a_rejected_request_is_not_remembered_as_taken(network: Any) -> None:
    network.behave(default={"reject_share": 1.0, "reject_status": 200})
    assert (network.get(key="k").status_code, network.get(key="k").json()["status"]) == (200, "rejected")
    network.behave()
    assert network.get(key="k").json()["status"] == "accepted"


def test_a_share_hits_the_same_requests_in_any_order_and_about_as_many(network: Any, tmp_path: Path) -> None:
    network.behave(seed=7, default={"reject_share": 0.3})
    forwards = network.answers(of=200)
    assert 40 <= forwards.count("rejected") <= 80
    again = SandboxConfig(seed=7, default=Behaviour(reject_share=0.3))
    with sandbox_thread(tmp_path / "2.jsonl", again) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        keys = [f"k{number}" for number in reversed(range(200))]
        backwards = [client.get("/google/c", params={"key": key}).json()["status"] for key in keys]
    assert backwards[::-1] == forwards


def test_the_first_and_every_so_manieth_request_is_told_to_come_back(network: Any) -> None:
    network.behave(receivers={"google": {"throttle_first": 2, "throttle_every": 5, "retry_after_seconds": 3}})
    refused = network.get(key="k")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    rest = [network.get(key="k").json()["status"] for _ in range(5)]
    assert rest == ["throttled", "accepted", "duplicate", "throttled", "duplicate"]


def test_a_failed_request_was_not_taken_and_may_succeed_later(network: Any) -> None:
    network.behave(default={"error_share": 0.5})
    replies = [network.get(key="k") for _ in range(20)]
    statuses = [reply.status_code for reply in replies]
    assert {500, 200} == set(statuses)
    assert replies[statuses.index(200)].json()["status"] == "accepted"


def test_garbage_is_an_unreadable_answer_to_a_request_that_was_taken(network: Any) -> None:
    network.behave(default={"garbage_share": 1.0})
    bodies = {network.get(key=f"k{number}", transaction_id=f"t{number}", value="1.00").text for number in range(30)}
    assert len(bodies) == 3
    assert all("accepted" not in body for body in bodies)
    network.behave()
    assert network.answers(of=30) == ["duplicate"] * 30
    assert network.received()["values"] == {"": "30.00"}


def test_a_slow_receiver_takes_at_once_and_answers_late(tmp_path: Path) -> None:
    config = SandboxConfig(receivers={"slow": Behaviour(delay_seconds=60)})

    async def scenario() -> int:
        async with serve_sandbox(tmp_path / "log.jsonl", config) as sandbox, aiohttp.ClientSession() as session:
            waiting = asyncio.create_task(session.get(f"{sandbox.url}/slow/c?key=1"))
            async with asyncio.timeout(30):
                while not sandbox.summary()["last"]:
                    await asyncio.sleep(0.01)
            async with session.get(f"{sandbox.url}/quick/c?key=1") as reply:
                status = reply.status
            assert not waiting.done()
            waiting.cancel()
            return status

    assert asyncio.run(scenario()) == 200
    assert len((tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def signed(body: bytes, *, at: float, secret: bytes, message_id: str = "msg_1") -> dict[str, str]:
    stamp = str(int(at))
    signature = hmac.new(secret, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(b'other').decode()} v1,{base64.b64encode(signature).decode()}",
    }


def test_with_a_secret_only_signed_requests_are_taken(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_TEST_SECRET", SECRET)
    network.behave(receivers={"crm": {"secret_env": "SANDBOX_TEST_SECRET"}})
    key, body, now = b"a demo secret of many bytes", b'{"value":"1.00"}', time.time()

    def post(content: bytes, headers: dict[str, str]) -> int:
        return int(network.client.post("/crm/hook", content=content, headers=headers).status_code)

    assert post(body, {}) == 401
    assert post(body, signed(body, at=now, secret=b"another")) == 401
    assert post(body + b" ", signed(body, at=now, secret=key)) == 401
    assert post(body, signed(body, at=now - 3_600, secret=key)) == 401
    assert post(body, signed(body, at=now, secret=key) | {"webhook-timestamp": "soon"}) == 401
    assert post(body, signed(body, at=now, secret=key)) == 200
    assert network.received("crm")["answers"] == {"accepted": 1, "unauthorized": 5}
    assert SECRET not in network.log.read_text(encoding="utf-8")


def test_a_behaviour_file_is_read_whole_and_its_mistakes_are_sentences(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text("seed = 3\n[receivers.partner]\nreject_share = 0.5\n", encoding="utf-8")
    config = load_sandbox_config(file)
    assert (config.seed, config.of("partner").reject_share, config.of("other").reject_share) == (3, 0.5, 0.0)
    file.write_text("[receivers.partner]\nreject_share = 2\nslow = true\n", encoding="utf-8")
    with pytest.raises(SandboxError) as caught:
        load_sandbox_config(file)
    assert [line.split(": ")[:2] for line in str(caught.value).splitlines()] == [
        [str(file), "receivers.partner.reject_share"],
        [str(file), "receivers.partner.slow"],
    ]


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("a = ", "not valid TOML")])
def test_a_behaviour_file_that_cannot_be_read_says_so(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "sandbox.toml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(SandboxError, match=says):
        load_sandbox_config(file)


def test_a_wrong_behaviour_is_refused_and_changes_nothing(network: Any) -> None:
    network.behave(default={"reject_share": 1.0})
    wrong = network.client.post("/_behaviour", json={"default": {"reject_share": "often"}})
    assert (wrong.status_code, "reject_share" in wrong.json()["error"]) == (400, True)
    assert network.client.post("/_behaviour", json={"default": {"secret_env": "NOT_SET_ANYWHERE"}}).status_code == 400
    assert network.client.post("/_behaviour", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert network.get(key="k").json()["status"] == "rejected"
