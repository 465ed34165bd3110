"""Each view in a real browser, light and dark: no complaint, no script, reached with the keyboard alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser

from postback_pipeline.console.app import build_app
from postback_pipeline.console.guard import Access
from postback_pipeline.ledger import Ledger
from postback_pipeline.settings import Settings
from tests.browser.complaints import complaints

VIEWS = (
    *("/", "/destinations/partner", "/conversions", "/conversions?q=47", "/conversions/purchase:4702"),
    *("/reconciliation", "/reconciliation/enqueued/no_match?destination=partner", "/parked"),
    *("/actions/resolve?destination=partner", "/actions/replay", "/actions/pause?destination=partner", "/done"),
)


@contextmanager
def serving(shop: Settings) -> Iterator[str]:
    """The console on a free port of this machine, in a thread."""
    config = uvicorn.Config(build_app(shop, Access(None)), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
        (listening,) = server.servers
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_loads_without_a_complaint(browser: Browser, shop: Settings, ledger: Ledger, scheme: str) -> None:
    with serving(shop) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        found = complaints(page)
        for view in VIEWS:
            page.goto(address + view)
            assert page.locator("h1").count() == 1, view
            assert page.locator("script").count() == 0, view
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 1280, view
        context.close()
    assert found == []


def test_pictures_have_the_colours_of_the_scheme(browser: Browser, shop: Settings, ledger: Ledger) -> None:
    with serving(shop) as address:
        seen = set()
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme)
            page = context.new_page()
            page.goto(address)
            bar = page.locator("figure svg .mark-rect path").first
            seen.add(bar.evaluate("each => getComputedStyle(each).fill"))
            context.close()
    assert len(seen) == 2
    assert "none" not in seen


def test_a_person_resolves_with_the_keyboard_alone(browser: Browser, shop: Settings, ledger: Ledger) -> None:
    (parked,) = ledger.inspect("purchase:4705")
    with serving(shop) as address:
        page = browser.new_page()
        page.goto(f"{address}/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
        page.goto(f"{address}/actions/resolve?postback={parked.postback_id}")
        page.locator("[name=found_out]").focus()
        page.keyboard.type("rejected")
        page.keyboard.press("Tab")
        page.keyboard.type("asked them")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+a")
        page.keyboard.type("ann")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("To be resolved as rejected: 1.").wait_for()
        page.locator("button.do").focus()
        page.keyboard.press("Enter")
        page.get_by_text("1 done, 0 left alone.").wait_for()
        page.close()
    assert ledger.inspect("purchase:4705")[0].history[-1].actor == "ann"
