"""The web application: its addresses, and how a failure is shown.

Belongs here: putting the pages together. Does not belong here: any page, who may see it (`guard`), serving (`serving`).
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from postback_pipeline.console.actions import action, done
from postback_pipeline.console.conversion import conversion, search
from postback_pipeline.console.destination import destination
from postback_pipeline.console.filters import WrongAddress
from postback_pipeline.console.guard import Access, ConsoleError, guarded
from postback_pipeline.console.login import login, logout
from postback_pipeline.console.overview import overview
from postback_pipeline.console.page import Page, respond
from postback_pipeline.console.parked import parked
from postback_pipeline.console.reconciliation import cause, reconciliation
from postback_pipeline.model import PostbackError
from postback_pipeline.pictures.palette import style_variables
from postback_pipeline.settings import Settings

#: A login lasts a working day.
_SESSION_SECONDS = 12 * 3_600
_STATIC = Path(__file__).with_name("static")

View = Callable[[Request], Page | Response | Awaitable[Page | Response]]


def build_app(settings: Settings, access: Access) -> Starlette:
    """The console of a deployment, reached as `access` says. Sessions end when its process does."""
    app = Starlette(
        routes=[
            Route("/", _page(overview)),
            Route("/destinations/{name}", _page(destination)),
            Route("/conversions", _page(search)),
            Route("/conversions/{key:path}", _page(conversion)),
            Route("/reconciliation", _page(reconciliation)),
            Route("/reconciliation/{step}/{cause}", _page(cause)),
            Route("/parked", _page(parked)),
            Route("/actions/{command}", _page(action), methods=["GET", "POST"]),
            Route("/done", _page(done)),
            Route("/login", _page(login), methods=["GET", "POST"]),
            Route("/logout", _page(logout), methods=["POST"]),
            Route("/colours.css", _colours),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=secrets.token_urlsafe(32),
                session_cookie="postback_console",
                max_age=_SESSION_SECONDS,
                same_site="lax",
                https_only=access.over_tls,
            ),
            Middleware(BaseHTTPMiddleware, dispatch=guarded),
        ],
        exception_handlers={HTTPException: _not_there},
    )
    app.state.settings, app.state.access = settings, access
    return app


def _page(view: Any) -> Callable[[Request], Awaitable[Response]]:
    """A view's page as a response; what fails in a foreseen way is a page as well."""

    async def endpoint(request: Request) -> Response:
        try:
            if inspect.iscoroutinefunction(view):
                shown = await view(request)
            else:
                shown = await run_in_threadpool(view, request)
        except PostbackError as error:
            status = 400 if isinstance(error, ConsoleError | WrongAddress) else 503
            shown = Page("sentence.html", "That did not work", values={"sentence": str(error)}, status=status)
        if isinstance(shown, Response):
            return shown
        return await run_in_threadpool(respond, request, shown)

    return endpoint


async def _colours(request: Request) -> Response:
    rules = f":root {{ {style_variables(dark=False)} }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {style_variables(dark=True)} }} }}"
    return Response(f"{rules}\n{dark}\n", media_type="text/css")


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = "There is no such page." if status == 404 else "This cannot be asked like that."
    return respond(request, Page("sentence.html", "Not found", values={"sentence": sentence}, status=status))
