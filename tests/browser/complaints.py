"""What a browser complains about while it shows a page.

Belongs here: what counts as a complaint. Does not belong here: which browser (`chromium`), which pages.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

_HERE = {"127.0.0.1", "localhost"}


def complaints(page: Page) -> list[str]:
    """A list that fills while `page` is used: a page without fault leaves it empty.

    In it are errors in the console (what a content security policy refuses is one), errors that no script catches,
    requests that fail or are answered with an error, and every address off this machine that is asked for.
    """
    found: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            found.append(f"console: {message.text} ({message.location.get('url')})")

    def thrown(error: Error) -> None:
        found.append(f"script: {error.message}")

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname not in _HERE:
            found.append(f"off this machine: {request.url}")

    def failed(request: Request) -> None:
        found.append(f"no answer: {request.url}: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            found.append(f"status {response.status}: {response.url}")

    page.on("console", logged)
    page.on("pageerror", thrown)
    page.on("request", asked)
    page.on("requestfailed", failed)
    page.on("response", answered)
    return found
