"""Opening the browser of the tests, so that it leaves nothing behind and reaches this machine only.

Belongs here: the surroundings in which it and its driver are started. Does not belong here: which one (`chromium`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import fetched
from tests.browser.chromium import chromium

#: Whatever a page or the browser itself asks for, no other host has an address.
FLAGS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "--disable-quic")
#: By which Playwright is told its node.
_NODE = "PLAYWRIGHT_NODEJS_PATH"


@contextmanager
def opened(home: Path) -> Iterator[Browser]:
    """A headless Chromium that keeps what it keeps below `home`, with no proxy before it; closed at the end.

    As long as it is open, Playwright's event loop runs in this thread, and no other may.

    Raises:
        NoChromium: there is none.
    """
    chosen = chromium(os.environ)
    surroundings = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), **chosen.needs}
    with _driver() as playwright:
        launch = playwright.chromium.launch
        with launch(executable_path=chosen.program, args=FLAGS, env={**surroundings}) as browser:
            yield browser


@contextmanager
def _driver() -> Iterator[Playwright]:
    """Playwright on the node that fetched the browser: its own asks for a library that small systems lack."""
    node = fetched.node()
    told = {} if node is None or _NODE in os.environ else {_NODE: str(node)}
    os.environ.update(told)
    try:
        with sync_playwright() as playwright:
            yield playwright
    finally:
        for name in told:
            del os.environ[name]
