"""A request as bytes: where it goes and how its head is written.

Belongs here: URL -> origin and target, method and headers -> head. What must not go out as it is ends here with a
WireError: nothing in a request can make two of it. Does not belong here: connections (`transport_connection`), and
what a destination may send at all (`wire_check` has looked before).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from postback_pipeline.delivery.transport_errors import WireError
from postback_pipeline.destinations.base import Request
from postback_pipeline.destinations.options import HOST
from postback_pipeline.destinations.request_forms import HEADER_NAME

USER_AGENT = "postback-pipeline"

#: Sent unless the request says otherwise.
_DEFAULTS = {"User-Agent": USER_AGENT, "Accept": "*/*"}
#: Headers that frame a message or belong to the connection: only the client sets them.
_OURS = frozenset(
    (
        *("accept-encoding", "connection", "content-length", "expect", "host", "http2-settings", "keep-alive"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)
#: Methods whose requests state the length of a body that is empty, too.
_WITH_BODY = frozenset(("PATCH", "POST", "PUT"))
#: Sets of header names that are remembered per origin: they come from the configuration, which has few.
_TEMPLATES = 64


class Origin:
    """Scheme, host and port that connections are made to; writes the heads of its requests.

    Args:
        text: `scheme://host[:port]`, as URLs begin.

    Raises:
        WireError: it is no origin of HTTP.
    """

    __slots__ = ("_host_field", "_templates", "host", "port", "tls")

    def __init__(self, text: str) -> None:
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise _not_valid() from None
        host = parts.hostname or ""
        name = f"[{host}]" if ":" in host else host
        is_plain = text.isascii() and text.isprintable() and "@" not in text
        if not is_plain or parts.scheme not in ("http", "https") or port == 0 or not HOST.fullmatch(name):
            raise _not_valid()
        self.tls = parts.scheme == "https"
        self.host = host
        default = 443 if self.tls else 80
        self.port = port or default
        self._host_field = name if self.port == default else f"{name}:{self.port}"
        self._templates: dict[tuple[object, ...], tuple[str, int]] = {}

    def head(self, request: Request, target: str) -> bytes:
        """The head of a request, up to and with its empty line.

        Raises:
            WireError: a part of it holds what no such part may hold.
        """
        with_length = bool(request.body) or request.method in _WITH_BODY
        shape = (with_length, *request.headers)
        template, controls = self._templates.get(shape) or self._template(shape, request)
        values: tuple[str | int, ...] = (request.method, target, *request.headers.values())
        if with_length:
            values = (*values, len(request.body))
        try:
            head = (template % values).encode("ascii")
        except UnicodeEncodeError:
            raise _not_writable() from None
        # One line break more than ours: some value holds it.
        if len(head) - len(head.translate(None, b"\r\n\0")) != controls:
            raise _not_writable()
        if " " in target or not request.method.isalpha():
            raise _not_writable()
        return head

    def _template(self, shape: tuple[object, ...], request: Request) -> tuple[str, int]:
        """A head with a place for each value, and how many bytes its line breaks are."""
        given = {name.lower() for name in request.headers}
        for name in sorted(given & _OURS):
            raise WireError(f"the header {name} is set by the client only", configuration=True)
        if len(given) != len(request.headers) or not all(HEADER_NAME.fullmatch(name) for name in given):
            raise WireError("the request has a header twice, or one whose name is none", configuration=True)
        fields = [f"Host: {self._host_field}", "Accept-Encoding: identity"]
        fields += [f"{name}: {value}" for name, value in _DEFAULTS.items() if name.lower() not in given]
        fields += [f"{name.replace('%', '%%')}: %s" for name in request.headers]
        if shape[0]:
            fields.append("Content-Length: %d")
        lines = ["%s %s HTTP/1.1", *fields, "", ""]
        if len(self._templates) >= _TEMPLATES:
            self._templates.clear()
        made = self._templates[shape] = ("\r\n".join(lines), 2 * (len(lines) - 1))
        return made


def split_url(url: str) -> tuple[str, str]:
    """A URL's origin and its target, byte for byte; what follows a `#` stays here.

    Raises:
        WireError: it has no origin.
    """
    # Almost every URL is like this one, and this is asked for every request.
    end = url.find("/", len("https://"))
    if end > 0 and "#" not in url and "?" not in url[:end]:
        return url[:end], url[end:]
    url, _, _ = url.partition("#")
    begin = url.find("://") + 3
    if begin < 3:
        raise _not_valid()
    end = min((at for at in (url.find("/", begin), url.find("?", begin)) if at >= 0), default=len(url))
    target = url[end:]
    return url[:end], target if target.startswith("/") else f"/{target}"


def _not_valid() -> WireError:
    return WireError("the URL is not valid", configuration=True)


def _not_writable() -> WireError:
    return WireError("the request holds characters that cannot be sent")
