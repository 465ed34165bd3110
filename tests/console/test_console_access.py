"""Who may look: by which names, with which password, how often wrong; and what every reply says to the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from postback_pipeline.console.app import build_app
from postback_pipeline.console.guard import Access, ConsoleError, access_for
from postback_pipeline.ledger import Ledger
from postback_pipeline.settings import Settings
from tests.console.reading import hidden_of

PASSWORD = "correct horse battery"


@pytest.fixture
def now() -> list[float]:
    """The clock of the login's limit."""
    return [0.0]


@pytest.fixture
def outside(shop: Settings, now: list[float]) -> Iterator[TestClient]:
    """A console that others can reach, over TLS."""
    access = access_for("0.0.0.0", ["console.example.com"], PASSWORD)
    access.clock = lambda: now[0]
    with TestClient(build_app(shop, access), base_url="https://console.example.com") as client:
        yield client


def log_in(client: TestClient, password: str, name: str = "ann") -> str:
    token = hidden_of(client.get("/login").text).get("token", "")
    reply = client.post("/login", data={"token": token, "name": name, "password": password})
    return f"{reply.status_code} {reply.url.path}"


@pytest.mark.parametrize(
    ("host", "names", "password", "says"),
    [
        ("0.0.0.0", ["c.example"], None, "POSTBACK_CONSOLE_PASSWORD"),
        ("10.0.0.5", [], "", "needs a login"),
        ("127.0.0.1", ["c.example"], None, "needs a login"),
        ("10.0.0.5", [], "short", "at least 12"),
        ("0.0.0.0", [], PASSWORD, "--name"),
    ],
)
def test_others_are_let_in_only_with_a_password(host: str, names: list[str], password: str | None, says: str) -> None:
    with pytest.raises(ConsoleError, match=says):
        access_for(host, names, password)


def test_loopback_needs_none_and_may_have_one() -> None:
    assert not access_for("127.0.0.1", [], None).needs_login
    assert access_for("127.0.0.1", [], PASSWORD).needs_login
    assert not access_for("127.0.0.1", [], PASSWORD).over_tls
    assert access_for("127.0.0.1", ["c.example"], PASSWORD).over_tls


def test_nothing_is_shown_before_the_login(outside: TestClient, ledger: Ledger) -> None:
    for address in ("/", "/parked", "/conversions/purchase:4702", "/destinations/partner?csv=acceptance", "/nothing"):
        reply = outside.get(address)
        assert reply.url.path == "/login"
        assert "4705" not in reply.text
    for form in ("/actions/pause", "/logout"):
        assert outside.post(form, data={"destination": "partner"}).url.path == "/login"
    assert not ledger.destination("partner").paused


def test_the_name_at_the_login_is_who_the_ledger_keeps(outside: TestClient, ledger: Ledger) -> None:
    assert log_in(outside, PASSWORD) == "200 /"
    page = outside.get("/actions/pause?destination=partner").text
    assert "Recorded as ann." in page
    fields = {"token": hidden_of(page)["token"], "destination": "partner", "reason": "test", "actor": "somebody else"}
    preview = outside.post("/actions/pause", data=fields).text
    outside.post("/actions/pause", data=hidden_of(preview))
    assert ledger.destination("partner").paused_by == "ann"
    outside.post("/logout", data={"token": hidden_of(preview)["token"]})
    assert outside.get("/").url.path == "/login"


def test_a_wrong_password_is_refused_and_soon_not_even_asked(outside: TestClient, now: list[float]) -> None:
    assert [log_in(outside, "wrong")[:3] for _ in range(5)] == ["403"] * 5
    assert log_in(outside, PASSWORD)[:3] == "429"
    now[0] = 61.0
    assert log_in(outside, PASSWORD) == "200 /"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_login_without_a_name_is_none(outside: TestClient, name: str) -> None:
    assert log_in(outside, PASSWORD, name)[:3] == "400"


def test_the_cookie_is_for_this_site_over_tls_and_no_script(outside: TestClient) -> None:
    cookie = outside.get("/login").headers["set-cookie"].lower()
    for word in ("secure", "httponly", "samesite=lax"):
        assert word in cookie


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "["])
def test_another_name_that_was_made_to_lead_here_gets_nothing(console: TestClient, ledger: Ledger, host: str) -> None:
    reply = console.get("/parked", headers={"host": host})
    assert reply.status_code == 421
    assert "4705" not in reply.text


def test_every_reply_forbids_scripts_frames_and_copies(console: TestClient, ledger: Ledger) -> None:
    for address in ("/", "/nothing", "/static/style.css", "/colours.css", "/?csv=funnel"):
        headers = console.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_failure_that_nobody_foresaw_is_a_guarded_reply_without_its_text(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(request: Request) -> Response:
        raise RuntimeError("ann@example.com")

    app = build_app(shop, Access(None))
    app.router.add_route("/fails", fails)
    with TestClient(app, base_url="http://127.0.0.1:3001") as client:
        reply = client.get("/fails")
    assert reply.status_code == 500
    assert "RuntimeError" in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-store"
    assert "RuntimeError" in caplog.text
    assert "in fails" in caplog.text
    # Nothing of it is said by the record either, whoever formats it.
    assert not any(record.exc_info for record in caplog.records)
    assert "ann@" not in reply.text


def test_an_access_that_has_no_password_takes_none() -> None:
    assert not Access(None).is_right("", "10.0.0.9")
