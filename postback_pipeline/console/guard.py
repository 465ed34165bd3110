"""Who may see and do what: host names, the login, tokens against forged forms, headers of every reply.

Belongs here: that. Does not belong here: what a step does.
"""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from getpass import getuser
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from postback_pipeline.model import PostbackError

_LOG = logging.getLogger(__name__)
#: What this machine calls itself: nobody else can be there.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PASSWORD_VARIABLE = "POSTBACK_CONSOLE_PASSWORD"  # noqa: S105
#: Every address that this machine has.
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
_SHORTEST_PASSWORD = 12
#: Wrong passwords within a minute, from one address and from all of them, before nobody there is asked any more.
_TRIES, _TRIES_OF_ALL, _WITHIN_SECONDS = 5, 50, 60.0
_OPEN_PATHS = ("/login", "/colours.css", "/static/")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ConsoleError(PostbackError):
    """The console cannot be served as asked, or a form cannot be taken; a whole sentence."""


@dataclass
class Access:
    """How this console may be reached."""

    #: None: no login, which only loopback may do without.
    password: str | None
    #: Names by which browsers may call it.
    host_names: Collection[str] = LOOPBACK
    #: Cookies go over TLS only.
    over_tls: bool = False
    clock: Callable[[], float] = time.monotonic
    _failures: deque[tuple[float, str]] = field(default_factory=deque)

    @property
    def needs_login(self) -> bool:
        """Whether a page is shown only to whoever has said the password."""
        return self.password is not None

    def is_right(self, password: str, address: str) -> bool:
        """Whether it is the password; takes as long for any wrong one.

        Raises:
            ConsoleError: too many wrong ones came within the last minute.
        """
        now = self.clock()
        while self._failures and now - self._failures[0][0] > _WITHIN_SECONDS:
            self._failures.popleft()
        own = sum(each == address for _, each in self._failures)
        if own >= _TRIES or len(self._failures) >= _TRIES_OF_ALL:
            raise ConsoleError("Too many wrong passwords. Try again in a minute.")
        right = compare_digest(password.encode(), (self.password or "").encode()) and self.password is not None
        if not right:
            self._failures.append((now, address))
        return right


def access_for(host: str, names: Collection[str], password: str | None) -> Access:
    """How a console that is bound to `host`, and called by `names` besides, may be reached.

    Raises:
        ConsoleError: others than this machine could reach it, and there is no password, or a short one.
    """
    alone = host in LOOPBACK and LOOPBACK.issuperset(names)
    if not alone and not password:
        raise ConsoleError(
            f"Bound to {host}{''.join(f', {name}' for name in names)}, the console can be reached by others than this"
            f" machine, so it needs a login. Set {PASSWORD_VARIABLE} to a password, or leave --host out."
        )
    if password and len(password) < _SHORTEST_PASSWORD:
        raise ConsoleError(f"{PASSWORD_VARIABLE} is too short: at least {_SHORTEST_PASSWORD} characters.")
    called = {*names, *(() if host in _EVERYWHERE else (host,)), *(LOOPBACK if alone else ())}
    if not called:
        raise ConsoleError(f"Bound to {host}, the console must know what browsers call it: --name console.example.com.")
    return Access(password or None, frozenset(called), over_tls=not alone)


async def guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Lets a request in, or says why not; every reply gets the headers."""
    access: Access = request.app.state.access
    if not _is_called_by_name(request, access):
        response: Response = Response("This console is not served under that name.", status_code=421)
    elif access.needs_login and not request.session.get("in") and not request.url.path.startswith(_OPEN_PATHS):
        response = RedirectResponse("/login", status_code=303)
    else:
        try:
            response = await go_on(request)
        except Exception as error:
            response = _unforeseen(error)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _unforeseen(error: Exception) -> Response:
    """Neither the page nor the log has the error's own text: what it stumbled over may be somebody's."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("Nobody foresaw this %s:\n%s", type(error).__name__, frames)
    sentence = f"Something failed that nobody foresaw ({type(error).__name__}). The console's own log says where."
    return Response(sentence, status_code=500, media_type="text/plain")


def _is_called_by_name(request: Request, access: Access) -> bool:
    """A page elsewhere whose name was made to lead here would send its own name."""
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return name in access.host_names


def token_of(request: Request) -> str:
    """What this browser's forms carry, so that nobody else's page can send them."""
    token: str = request.session.setdefault("token", secrets.token_urlsafe(24))
    return token


def require_token(request: Request, given: str) -> None:
    """Stops a form that does not come from a page of ours.

    Raises:
        ConsoleError: it is not this browser's token. Nothing was changed.
    """
    expected = request.session.get("token", "")
    if not expected or not compare_digest(given.encode(), expected.encode()):
        raise ConsoleError("This form is not one of this session's pages. Nothing was changed. Open the page again.")


def who(request: Request) -> str:
    """The person at the browser: as the login says, else this machine's user."""
    named: str | None = request.session.get("who")
    if named or request.app.state.access.needs_login:
        return named or ""
    try:
        return getuser()
    except (KeyError, OSError):
        return ""
