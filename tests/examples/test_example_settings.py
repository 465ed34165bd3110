"""The examples' settings and definitions are right, and the sandbox understands what they send."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.base import Element, Reading, Reply
from postback_pipeline.model import Facts, Kind, Postback
from postback_pipeline.sandbox import load_sandbox_config, sandbox_thread
from postback_pipeline.settings import load_settings
from postback_pipeline.sources.definitions import read_definitions

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = "whsec_c2FuZGJveC1kZW1vLXNlY3JldC0wMDE="
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
FACTS = Facts(
    receiver_event="purchase",
    event_id="px-1",
    transaction_id="1",
    action_at=AT,
    event_time=AT,
    click_id="c",
    clicked_at=AT,
    identifiers={"gclid": "g/1", "fbclid": "f", "irclickid": "i:1=", "msclkid": "m"},
)


@pytest.mark.parametrize("name", ["online_retail", "demo", "lead_generation"])
def test_settings_and_definitions_are_right(name: str) -> None:
    settings = load_settings(EXAMPLES / name / "postbacks.toml")
    destinations = build_destinations(settings)
    definitions = read_definitions(settings.definitions_path, destinations=destinations)
    assert {route.destination for route in definitions.routes} == set(destinations)


@pytest.mark.parametrize("name", ["online_retail", "demo", "lead_generation"])
def test_the_sandbox_takes_what_they_send_and_they_understand_its_answers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_WEBHOOK_SECRET", SECRET)
    behaviour = load_sandbox_config(EXAMPLES / "demo" / "sandbox.toml").model_copy(update={"receivers": {}})
    with sandbox_thread(tmp_path / "log.jsonl", behaviour) as sandbox:
        text = (EXAMPLES / name / "postbacks.toml").read_text(encoding="utf-8")
        (tmp_path / "postbacks.toml").write_text(text.replace("http://127.0.0.1:8787", sandbox.url), encoding="utf-8")
        for each, destination in build_destinations(load_settings(tmp_path / "postbacks.toml")).items():
            first = Postback(each, "purchase:1", "purchase", 1, Kind.CONVERSION, Decimal("19.90"), None, "EUR", FACTS)
            lower = replace(first, revision=2, kind=Kind.RESTATEMENT, value=Decimal("5"), previous_value=first.value)
            postbacks = [first, lower] if destination.capabilities.restatement else [first]
            for postback in [*postbacks, postbacks[-1]]:
                element = Element(postback.key, postback.kind, destination.render(postback))
                secrets = dict.fromkeys(destination.secret_names, SECRET)
                request = destination.request([element], secrets=secrets, sent_at=datetime.now(UTC))
                reply = httpx.request(request.method, request.url, headers=dict(request.headers), content=request.body)
                (verdict,) = destination.read(Reply(reply.status_code, dict(reply.headers), reply.content), [element])
                assert verdict.reading in (Reading.ACCEPTED, Reading.DUPLICATE)
            received = sandbox.summary()["receivers"][each]
            assert received["answers"] == {"accepted": len(postbacks), "duplicate": 1}
            assert received["kinds"] == {postback.kind.value: 1 for postback in postbacks}
            assert {currency: Decimal(value) for currency, value in received["values"].items()} == {
                "EUR": postbacks[-1].value
            }
