"""The browser of the tests sees what is wrong with a page, and which browser it is."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from benchmarks.environments import NotInstalled
from tests.browser import fetched
from tests.browser.chromium import NoChromium, chromium
from tests.browser.complaints import complaints

PAGES = {
    "/clean": (
        "<title>Clean</title><link rel=icon href='data:,'>"
        "<p id=p></p><script>document.getElementById('p').append(6 * 7)</script>"
    ),
    "/logs": "<script>console.log('fine'); console.error('not fine')</script>",
    "/throws": "<script>throw new Error('nobody catches this')</script>",
    "/elsewhere": "<img src='http://elsewhere.example/pixel.gif'>",
    "/missing-style": "<link rel=stylesheet href=/none.css>",
    "/policy": (
        "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">"
        "<link rel=icon href='data:,'><script>1</script>"
    ),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((body or "Nothing is here").encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest's output is for failures."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_clean_page_runs_its_script_and_nothing_is_said(browser: Browser, site: str) -> None:
    page = browser.new_page()
    found = complaints(page)
    page.goto(f"{site}/clean")
    assert page.title() == "Clean"
    assert page.locator("#p").inner_text() == "42"
    assert found == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/logs", "console: not fine ({site}/logs)"),
        ("/throws", "script: nobody catches this"),
        ("/elsewhere", "off this machine: http://elsewhere.example/pixel.gif"),
        ("/missing-style", "status 404: {site}/none.css"),
        ("/none", "status 404: {site}/none"),
    ],
)
def test_a_complaint_is_noticed(browser: Browser, site: str, path: str, said: str) -> None:
    page = browser.new_page()
    found = complaints(page)
    page.goto(site + path)
    assert said.format(site=site) in found


def test_what_the_policy_of_a_page_refuses_is_a_complaint(browser: Browser, site: str) -> None:
    page = browser.new_page()
    found = complaints(page)
    page.goto(f"{site}/policy")
    assert len(found) == 1
    assert "Content Security Policy" in found[0]


def test_text_is_drawn(browser: Browser, site: str) -> None:
    """Without a font a page is as wide as nothing, and complains of nothing."""
    page = browser.new_page()
    page.goto(f"{site}/clean")
    width = page.evaluate("document.createElement('canvas').getContext('2d').measureText('Postback').width")
    assert width > 20


def placed(program: Path) -> Path:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_a_named_browser_comes_before_the_fetched_one_and_that_before_an_installed_one(tmp_path: Path) -> None:
    installed = placed(tmp_path / "bin" / "google-chrome")
    variables = {"PATH": str(installed.parent)}
    assert chromium(variables, tmp_path / "fetched").program == installed
    own = placed(fetched.program(tmp_path / "fetched"))
    assert chromium(variables, tmp_path / "fetched").program == own
    named = placed(tmp_path / "named")
    assert chromium({**variables, "POSTBACK_CHROMIUM": str(named)}, tmp_path / "fetched").program == named


def test_without_any_browser_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoChromium, match="install Chromium or Chrome, or name one: POSTBACK_CHROMIUM="):
        chromium({"PATH": str(tmp_path)}, tmp_path)


def test_a_name_of_nothing_is_not_passed_over(tmp_path: Path) -> None:
    installed = placed(tmp_path / "chromium")
    with pytest.raises(NoChromium, match="POSTBACK_CHROMIUM names no program: /nowhere/chromium"):
        chromium({"PATH": str(installed.parent), "POSTBACK_CHROMIUM": "/nowhere/chromium"}, tmp_path)


def test_a_package_that_is_not_the_pinned_one_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="its hash differs"):
        fetched.unpack(b"something else", tmp_path, Path("node"))
    assert list(tmp_path.iterdir()) == []
