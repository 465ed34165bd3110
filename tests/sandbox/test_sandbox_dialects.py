"""Every vendor can be tried out: `base_url` at the sandbox, and its postbacks are accepted in the vendor's words."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Element, Reading, Reply, Request
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind, Later
from postback_pipeline.settings import DestinationSettings
from tests.destinations.samples import GOLDEN, folder_changes, postback_of, secrets_of
from tests.sandbox.conftest import Network

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def tables() -> dict[Path, dict[str, object]]:
    """The settings of every vendor's golden folder."""
    found = {folder: tomllib.loads((folder / "settings.toml").read_text()) for folder in sorted(GOLDEN.iterdir())}
    return {folder: table for folder, table in found.items() if issubclass(DESTINATIONS[table["type"]], Vendor)}


TABLES = tables()


def sent(network: Network, request: Request) -> Reply:
    reply = network.client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
    return Reply(reply.status_code, dict(reply.headers), reply.content)


def vendor_at(network: Network, folder: Path) -> Vendor:
    table = TABLES[folder]
    adapter = DESTINATIONS[str(table["type"])]
    assert issubclass(adapter, Vendor)
    base = f"{network.url}/as-{adapter.type}"
    at_sandbox = table | {"mode": "test", "base_url": base}
    if "token_url" in adapter.options_type.model_fields:
        at_sandbox["token_url"] = f"{base}/token"
    return adapter.from_settings("partner", DestinationSettings.model_validate(at_sandbox))


def elements(destination: Vendor, folder: Path, kind: Kind) -> list[Element]:
    """As many as fit, but two at most."""
    found = []
    for number in range(min(destination.capabilities.batch_rows, 2)):
        own = {"conversion_key": f"purchase:O-{number}", "transaction_id": f"O-{number}"}
        postback = postback_of(kind, **folder_changes(folder) | own)
        found.append(Element(postback.key, kind, destination.render(postback)))
    return found


@pytest.mark.parametrize("folder", TABLES, ids=lambda folder: folder.name)
def test_the_sandbox_accepts_what_a_vendor_is_told(folder: Path, network: Network) -> None:
    destination = vendor_at(network, folder)
    secrets = secrets_of(destination)
    for kind in filter(destination.capabilities.adjusts, Kind):
        told = elements(destination, folder, kind)
        reply = sent(network, destination.request(told, secrets=secrets, sent_at=NOW))
        verdicts = destination.read(reply, told)
        assert {verdict.reading for verdict in verdicts} == {Reading.ACCEPTED}, reply
        if destination.capabilities.judges_later:
            asked = sent(network, destination.inquiry(verdicts[0].receipt, secrets=secrets, asked_at=NOW))
            later = destination.read_inquiry(asked, len(told))
            assert later is not None and later.later is Later.PROCESSED
    assert {each["answer"] for each in network.lines()} == {"accepted"}


def test_a_receiver_called_after_a_type_speaks_as_it_and_still_behaves_as_told(network: Network) -> None:
    network.behave(receivers={"as-meta-shoes": {"throttle_first": 1}})
    event: dict[str, list[dict[str, str]]] = {"data": [{}, {}, {}]}
    assert network.client.post("/as-meta-shoes/v26.0/1/events", json=event).status_code == 429
    assert network.client.post("/as-meta-shoes/v26.0/1/events", json=event).json()["events_received"] == 3


@pytest.mark.parametrize("name", ["meta", "as-metta", "as-", "as-webhook", "was-meta"])
def test_any_other_receiver_speaks_as_the_sandbox_does(network: Network, name: str) -> None:
    assert network.client.post(f"/{name}/v26.0/1/events", json={"data": [{}]}).json()["status"] == "accepted"


def test_what_a_vendor_could_not_read_is_no_request_of_its(network: Network) -> None:
    reply = network.client.post("/as-meta/v26.0/1/events", content=b"[1")
    assert (reply.status_code, network.lines()[-1]["answer"]) == (400, "rejected")


def test_a_secret_in_an_address_is_not_written_down(network: Network) -> None:
    network.client.post("/as-meta/v26.0/1/events?access_token=EAAB-1&x=2", json={"data": []})
    assert network.lines()[-1]["query"] == {"access_token": "***", "x": "2"}


def test_a_token_is_had_for_whatever_grant(network: Network) -> None:
    reply = network.client.post("/as-google_ads/token", data={"grant_type": "refresh_token"})
    assert {"access_token", "expires_in"} <= reply.json().keys()
