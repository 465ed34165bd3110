"""Personal data and secrets go through every way in which a delivery can fail, and only the receiver sees them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit

import dagster as dg
import pytest

from postback_pipeline.defs import deliver, stepping_in
from postback_pipeline.defs.enqueue import checks
from postback_pipeline.defs.instance import make_local
from postback_pipeline.delivery.enqueue import enqueue_outbox
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Selection, open_ledger
from postback_pipeline.model import Desired, State

EMAIL, PHONE, IP = "Canary.Person@example.com", "+491700000017", "198.51.100.77"
CLICK, TOKEN = "canary-click/77&x=y", "whsec_Y2FuYXJ5LXNlY3JldC1vZi10aGUtdGVzdA=="
CANARIES = {
    "e-mail": [EMAIL, EMAIL.lower(), quote(EMAIL), quote(EMAIL.lower())],
    "hashed e-mail": [hashlib.sha256(EMAIL.lower().encode()).hexdigest()],
    "phone": [PHONE.removeprefix("+")],
    "IP address": [IP],
    "click id": [CLICK, quote(CLICK, safe=""), quote(CLICK), json.dumps(CLICK)],
    "secret": [TOKEN, quote(TOKEN, safe=""), TOKEN.removeprefix("whsec_"), "canary-secret-of-the-test"],
}
SETTINGS = """
environment = "testing"
[ledger]
url_env = "CANARY_LEDGER_URL"
[delivery]
linger_seconds = 0
[destinations.tracker]
type = "url_template"
deadline_seconds = 1
accepted_when = { status = [200], body_regex = "^OK$" }
rejected_when = { status = [400] }
headers = { "X-Token" = "{secret:CANARY_TOKEN}" }
conversion.url = "URL/t?key={secret:CANARY_TOKEN}&tid={transaction_id}&click={gclid}&em={email_sha256?}&ip={ip?}"
[destinations.hook]
type = "webhook"
url = "URL/hook"
secret_env = "CANARY_TOKEN"
deadline_seconds = 1
[destinations.batch]
type = "batch_webhook"
url = "URL/batch"
secret_env = "CANARY_TOKEN"
deadline_seconds = 1
"""


class Echo(BaseHTTPRequestHandler):
    """Quotes whatever it was sent in every part of its reply, and fails in the way that the order's number asks for."""

    protocol_version = "HTTP/1.1"
    #: Of every request: its path, headers and body.
    heard: ClassVar[list[str]] = []
    ledger: ClassVar[Path]
    lock: ClassVar[list[sqlite3.Connection]] = []

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _answer(self, body: str) -> None:
        quoted = f"{self.path} {dict(self.headers)} {body}"
        self.heard.append(quoted)
        way = parse_qs(urlsplit(self.path).query).get("tid", [""])[0] or self._order(body)
        if way == "reset":
            self.close_connection = True
            self.connection.close()
            return
        if way == "locked":
            # From here on no outcome can be recorded.
            connection = sqlite3.connect(self.ledger, check_same_thread=False, timeout=30)
            connection.execute("BEGIN EXCLUSIVE")
            self.lock.append(connection)
        status = {"no": 400, "busy": 429, "broken": 500, "moved": 302, "forbidden": 401}.get(way, 200)
        reply = f"not what was agreed: {quoted}".encode()
        if self.path.startswith("/batch"):
            keys = [each["key"] for each in json.loads(body)["postbacks"]]
            results = [{"key": key, "status": "rejected", "reason": quoted} for key in keys]
            reply = json.dumps({"results": results}).encode()
        self.send_response(status, quoted.replace("\r", "").replace("\n", "")[:500])
        safe = quoted.encode("ascii", "backslashreplace").decode()
        for name in ("Location", "Retry-After", "Content-Type", "X-Reason"):
            self.send_header(name, safe)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    @staticmethod
    def _order(body: str) -> str:
        return next((way for way in ("reset", "busy", "broken", "moved", "forbidden") if f'"{way}"' in body), "")


@contextmanager
def echoing() -> Iterator[str]:
    Echo.heard.clear()
    Echo.lock.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in Echo.lock:
            connection.close()


def leaks(text: str) -> set[str]:
    """Which canaries are in a text."""
    return {kind for kind, words in CANARIES.items() if any(word in text for word in words)}


def read(ledger: Path, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows that a query of the ledger gives."""
    with closing(sqlite3.connect(ledger)) as connection:
        cursor = connection.execute(query)
        return [column[0] for column in cursor.description], cursor.fetchall()


def rows_of(ledger: Path, table: str, *without: str) -> str:
    """Everything in a table of the ledger, save some columns."""
    columns, rows = read(ledger, f"select * from {table}")
    return repr([[value for name, value in zip(columns, row, strict=True) if name not in without] for row in rows])


def person_of(row: Desired, destination: str, way: str, identifier: str = "gclid") -> Desired:
    """A row about the canary's order, whose number is the way in which its delivery goes wrong."""
    facts = replace(row.facts, transaction_id=way, identifiers={identifier: CLICK})
    person = {"email": EMAIL, "phone": PHONE, "ip": IP}
    return replace(row, destination=destination, conversion_key=f"purchase:{way}", facts=facts, person=person)


def test_row_38_canaries_are_nowhere_but_in_the_element_and_on_the_wire(
    shop: Any, make: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ledger_file = shop.home / "ledger.sqlite"
    monkeypatch.setenv("CANARY_TOKEN", TOKEN)
    monkeypatch.setenv("CANARY_LEDGER_URL", f"sqlite:///{ledger_file}?timeout=0.5")
    Echo.ledger = ledger_file
    said = ""
    with (
        echoing() as url,
        dg.DagsterInstance.from_config(str(make_local(shop.home / "dagster"))) as instance,
    ):
        (shop.home / "postbacks.toml").write_text(SETTINGS.replace("URL/", f"{url}/"))
        settings = shop.settings()
        destinations = build_destinations(settings)
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:

            def enqueue(destination: str, *ways: str) -> None:
                rows = [person_of(make.desired("google", 1), destination, way) for way in ways]
                enqueue_outbox({destination: rows}, ledger, destinations, settings)

            def run(destination: str) -> bool:
                (asset,) = deliver.defs().assets or ()
                assert isinstance(asset, dg.AssetsDefinition)
                resources = {"settings": settings}
                result = dg.materialize(
                    [asset], instance=instance, resources=resources, partition_key=destination, raise_on_error=False
                )
                return result.success

            for way in ("odd", "no", "reset", "moved", "broken", "busy", "forbidden"):
                for destination in ("tracker", "hook"):
                    enqueue(destination, way)
                    assert run(destination)
                    ledger.resume(destination, actor="ann", reason="go on")
            forbidden = Selection(conversion_keys=["purchase:forbidden"])
            assert len(ledger.cancel(forbidden, actor="ann", reason="it would only be refused again").changed) == 2
            enqueue("batch", "first", "second")
            assert run("batch")
            # What cannot be rendered is refused with a reason, which the asset check shows.
            unfit = person_of(make.desired("google", 1), "tracker", "unfit", identifier="fbclid")
            refused = enqueue_outbox({"tracker": [unfit]}, ledger, destinations, settings)
            assert refused["tracker"].refusals
            said += repr(checks(refused))

            resolve_parked(instance, settings)
            enqueue("hook", "locked")
            enqueue("tracker", "locked")
            assert not run("tracker"), "the outcome could not be recorded"

    assert {kind for kind, words in CANARIES.items() if any(w in line for line in Echo.heard for w in words)} >= {
        "hashed e-mail",
        "click id",
        "secret",
    }, "they did reach the receiver"
    output = capfd.readouterr()
    assert "Traceback" in output.err or "Error" in output.err, "the failure was told"
    assert leaks(output.out + output.err + said) == set()
    tables = {name for (name,) in read(ledger_file, "select name from sqlite_master where type = 'table'")[1]}
    assert tables >= {"attempts", "history", "actions", "destinations"}
    for table in tables - {"postbacks"}:
        assert leaks(rows_of(ledger_file, table)) == set(), table
    assert leaks(rows_of(ledger_file, "postbacks", "element", "identifiers")) == set()
    assert leaks(rows_of(ledger_file, "postbacks")) >= {"hashed e-mail", "click id"}, "the test would find them"
    kept = [file for file in (shop.home / "dagster").rglob("*") if file.is_file()]
    assert any("deliver" in file.read_text("latin-1") for file in kept), "the runs were stored there"
    assert {str(file): found for file in kept if (found := leaks(file.read_text("latin-1")))} == {}


def resolve_parked(instance: dg.DagsterInstance, settings: Any) -> None:
    """A person looks at what is parked, in the UI."""
    resources = dg.Definitions(resources={"settings": settings})
    job = dg.Definitions.merge(stepping_in.defs(), resources).resolve_job_def("ledger_resolve")
    config = {"destination": "tracker", "found_out": "accepted", "reason": "asked them", "actor": "ann"}
    for dry_run in (True, False):
        run_config = {"ops": {"resolve": {"config": {**config, "dry_run": dry_run}}}}
        assert job.execute_in_process(instance=instance, run_config=run_config).success
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        assert ledger.inspect("purchase:reset")
        assert all(story.state is not State.PARKED for story in ledger.inspect("purchase:reset"))
