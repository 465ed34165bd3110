"""`postback check DESTINATION`: one sample to where nothing counts, the request and the reply without secrets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import Result

from postback_pipeline.settings import Settings

Postback = Callable[..., Result]
TOKEN = "a-very-secret-token"


class Endpoint(ThreadingHTTPServer):
    """Answers as told and keeps what it was sent."""

    reply: tuple[int, bytes] = (200, b'{"events_received":1,"messages":[],"fbtrace_id":"A"}')
    bodies: list[bytes]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies = []


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.server.reply
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def meta(deployment: Settings, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds destination `meta` to the deployment, with a route and its secret."""

    def configure(**options: str) -> None:
        table = {"type": "meta", "pixel_id": "1234567890", **options}
        lines = "".join(f'{name} = "{value}"\n' for name, value in table.items())
        deployment.file.write_text(deployment.file.read_text() + f"\n[destinations.meta]\n{lines}")
        routes = deployment.definitions_path / "routes.csv"
        routes.write_text(routes.read_text() + "meta,purchase,Purchase,click,fbclid,7,\n")
        parameters = deployment.definitions_path / "click_id_parameters.csv"
        parameters.write_text(parameters.read_text() + "fbclid,fbclid,meta\n")
        monkeypatch.setenv("META_ACCESS_TOKEN", TOKEN)

    return configure


def test_a_sample_goes_to_the_sandbox_and_is_shown(
    postback: Postback, meta: Callable[..., None], endpoint: Endpoint
) -> None:
    meta(base_url=f"http://127.0.0.1:{endpoint.server_port}")
    result = postback("check", "meta")
    assert result.exit_code == 0, result.output
    (body,) = endpoint.bodies
    (event,) = json.loads(body)["data"]
    assert event["event_name"] == "Purchase"
    assert event["custom_data"]["value"] == 1
    assert "the sandbox answered: accepted (events_received)" in result.stdout
    assert "access_token={secret:META_ACCESS_TOKEN}" in result.stdout
    assert 'HTTP 200\n{"events_received":1' in result.stdout
    assert TOKEN not in result.output


def test_a_refusal_is_shown_without_the_secret_that_it_quotes(
    postback: Postback, meta: Callable[..., None], endpoint: Endpoint
) -> None:
    meta(base_url=f"http://127.0.0.1:{endpoint.server_port}")
    endpoint.reply = (401, f'{{"error":{{"message":"Bad token {TOKEN}","code":190}}}}'.encode())
    result = postback("check", "meta", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["findings"][-1]["says"] == "the sandbox answered: configuration (Graph API error 190)"
    assert told["sample"]["status"] == 401
    assert TOKEN not in result.output
    assert "{secret:META_ACCESS_TOKEN}" in told["sample"]["reply"]


def test_nothing_is_sent_where_it_would_count(postback: Postback, meta: Callable[..., None]) -> None:
    meta(mode="live")
    result = postback("check", "meta")
    assert result.exit_code == 0, result.output
    assert "nothing was sent: destinations.meta: mode: test_event_code is not set" in result.stdout


def test_nothing_is_sent_without_a_secret(
    postback: Postback, meta: Callable[..., None], endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta(base_url=f"http://127.0.0.1:{endpoint.server_port}")
    monkeypatch.delenv("META_ACCESS_TOKEN")
    result = postback("check", "meta")
    assert result.exit_code == 1
    assert "META_ACCESS_TOKEN for destination meta is not set" in result.stdout
    assert endpoint.bodies == []


def test_an_unknown_name_is_answered_with_the_known_ones(postback: Postback, deployment: Settings) -> None:
    result = postback("check", "mta")
    assert result.exit_code == 1
    assert f"'mta' is not a destination of {deployment.file}, which has partner, crm." in result.output


def test_all_about_a_type_is_told_on_request(postback: Postback) -> None:
    told = postback("destinations", "meta").stdout
    assert told.startswith("# Meta Conversions API\n")
    assert "`test_event_code`" in told
    assert json.loads(postback("destinations", "meta", "--json").stdout)["batch_rows"] == 1000
    assert "There are url_template, webhook" in postback("destinations", "mta").output


def test_nothing_is_sent_while_any_route_s_event_is_none_of_the_vendor_s(
    postback: Postback, deployment: Settings, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (
        f'type = "pinterest"\nad_account_id = "549755885175"\nbase_url = "http://127.0.0.1:{endpoint.server_port}"\n'
    )
    deployment.file.write_text(deployment.file.read_text() + f"\n[destinations.pins]\n{table}")
    definitions = deployment.definitions_path
    conversions = (definitions / "conversions.csv").read_text()
    purchase = conversions.splitlines()[1]
    (definitions / "conversions.csv").write_text(conversions + purchase.replace("purchase", "repurchase", 1) + "\n")
    with (definitions / "routes.csv").open("a") as routes:
        routes.write("pins,purchase,checkout,click,epik,7,\npins,repurchase,Kauf,click,epik,7,\n")
    with (definitions / "click_id_parameters.csv").open("a") as parameters:
        parameters.write("epik,epik,pinterest\n")
    monkeypatch.setenv("PINTEREST_ACCESS_TOKEN", TOKEN)
    result = postback("check", "pins")
    assert result.exit_code == 1
    assert "'Kauf' is no event of Pinterest" in result.stdout
    assert endpoint.bodies == []
