"""The shape of a templated request: a URL and a body with macros, each encoded as its place demands.

Belongs here: percent-encoding in URLs and form bodies, string escapes in JSON bodies, and the checks that keep a value
inside its place (host, parameter names and JSON keys are never a macro). Does not belong here: what a macro means
(`macros`), what a reply means (`reply_rules`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from urllib.parse import quote, unquote

from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.destinations.macros import NUMERIC, Slot, Template, parse_template
from postback_pipeline.destinations.options import URL_START, VARIABLE, origin_of
from postback_pipeline.model import Postback

ContentType = Literal["application/x-www-form-urlencoded", "application/json"]
FORM: ContentType = "application/x-www-form-urlencoded"
JSON: ContentType = "application/json"

#: Longer request lines are refused by common servers (8 KiB); longer bodies are no postback.
MAX_URL = 8_000
MAX_BODY = 64 * 1024

_SECRET = re.compile(rf"\{{secret:({VARIABLE})\}}")
_URL_TEXT = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
#: A header's name.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
#: Stands for a value while a template is checked; a private character that no template holds.
_MARK = "\ue000"


class _Encoded(dict[int, str]):
    """Code points for `str.translate`: as they are in a URL (RFC 3986, 2.1 and 2.3)."""

    def __missing__(self, point: int) -> str:
        encoded = self[point] = quote(chr(point), safe="")
        return encoded


_ENCODED = _Encoded()
#: Made once: `json.dumps` makes one per call where anything is unlike its defaults.
_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def percent(value: str) -> str:
    """Everything but letters, digits and `-._~` becomes `%XX` of its UTF-8 bytes."""
    return value.translate(_ENCODED)


def json_escaped(value: str) -> str:
    r"""The inside of a JSON string; an opening brace as `\u007b`, so that no value looks like a secret's macro."""
    return _AS_JSON(value)[1:-1].replace("{", "\\u007b")


@dataclass(frozen=True, slots=True)
class RequestForm:
    """One kind's request, checked; `origin` is what it is sent to, whatever the values are."""

    method: str
    url: Template
    origin: str
    body: Template | None = None
    content_type: ContentType | None = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Names of the environment variables in URL and body."""
        return self.url.secrets | (self.body.secrets if self.body else frozenset())

    @property
    def encode(self) -> Callable[[str], str]:
        """How a value is written into the body."""
        return json_escaped if self.content_type == JSON else percent

    def render(self, postback: Postback) -> str:
        """The frozen element: JSON text with `method`, `url`, `body`, `content_type`; secrets still by name.

        Raises:
            DestinationError: a value is missing, too long, or would climb out of the URL's path.
        """
        url = self.url.fill(postback, percent)
        body = None
        if self.body is not None:
            body = self.body.fill(postback, self.encode)
        _check_path(url)
        if len(url) > MAX_URL or len((body or "").encode("utf-8")) > MAX_BODY:
            raise DestinationError(f"The request is longer than {MAX_URL} (URL) or {MAX_BODY} (body) bytes.")
        element = {"method": self.method, "url": url, "body": body, "content_type": self.content_type}
        return _AS_JSON(element)


def parse_form(method: str, url: str, body: str | None, content_type: ContentType) -> RequestForm:
    """A checked form out of a configuration's texts.

    Raises:
        ValueError: what is wrong, in the words of one clause; never shows the URL.
    """
    if body is not None and method == "GET":
        raise ValueError('a GET request has no body; set method = "POST"')
    if (start := URL_START.match(url)) and "{" in start[0]:
        raise ValueError("a macro may not stand in the URL's scheme, host or port")
    form = RequestForm(method, origin=origin_of(url), url=_url_template(url))
    if body is None:
        return form
    return replace(form, body=_body_template(body, content_type), content_type=content_type)


def check_fixed_url(url: str) -> None:
    """A URL that is the same for every postback.

    Raises:
        ValueError: not http(s), a macro or secret in it, or not percent-encoded.
    """
    origin_of(url)
    if "{" in url or "#" in url or not _URL_TEXT.fullmatch(url):
        raise ValueError("the URL must be plain percent-encoded text, without macros, secrets or '#'")


def parse_header(name: str, text: str) -> Template:
    """A fixed header's value, in which only `{secret:NAME}` may stand.

    Raises:
        ValueError: a header that the client sets itself, a macro, or text that no header can hold.
    """
    template = parse_template(text)
    if not HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
        raise ValueError(f"{name!r} is no header that can be set here")
    if len(template.pieces) > 1:
        raise ValueError("a header may hold {secret:NAME}, but no macro: credentials are added when sending")
    if not text.isascii() or not text.isprintable():
        raise ValueError("a header holds printable ASCII only")
    return template


def fill_secrets(text: str, secrets: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
    """Puts the values of `{secret:NAME}` in, each encoded once for its place.

    Raises:
        KeyError: a secret is not there.
    """
    return _SECRET.sub(lambda match: encode(secrets[match[1]]), text)


def _url_template(url: str) -> Template:
    if "#" in url:
        raise ValueError("the URL must not hold a '#': what follows it is never sent")
    template = parse_template(url)
    if not _URL_TEXT.fullmatch(_SECRET.sub("", template.sample(lambda _: ""))):
        raise ValueError("the URL's fixed text must be percent-encoded: no blanks, braces or non-ASCII letters")
    marked = template.sample(lambda _: _MARK)
    _check_path(marked)
    _check_parameter_names(marked.partition("?")[2])
    return template


def _body_template(body: str, content_type: ContentType) -> Template:
    template = parse_template(body)
    if content_type == FORM:
        if not _URL_TEXT.fullmatch(_SECRET.sub("", template.sample(lambda _: ""))):
            raise ValueError("the form body's fixed text must be percent-encoded: name={macro}&name={macro}")
        _check_parameter_names(template.sample(lambda _: _MARK))
        return template
    for empty in (False, True):
        _check_json_template(template.sample(partial(_json_sample, empty)))
    return template


def _json_sample(empty: bool, slot: Slot) -> str:
    if empty and slot.optional:
        return ""
    return "1" if slot.name in NUMERIC else _MARK


def _check_parameter_names(query: str) -> None:
    for parameter in query.split("&"):
        name = parameter.partition("=")[0]
        if _MARK in name or "{" in name:
            raise ValueError("a macro may stand in a parameter's value, not in its name")


def _check_json_template(text: str) -> None:
    try:
        parsed = json.loads(text, object_pairs_hook=_fixed_keys)
    except json.JSONDecodeError:
        raise ValueError(
            'the body is no JSON once its macros are filled in; text macros stand inside quotes: {"id": "{gclid}"}'
        ) from None
    if not isinstance(parsed, dict | list):
        raise ValueError("the JSON body must be an object or a list")


def _fixed_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if any(_MARK in key or "{" in key for key, _ in pairs):
        raise ValueError("a macro may stand in a JSON value, not in a key")
    return dict(pairs)


def _check_path(url: str) -> None:
    path = url.partition("?")[0].split("/")[3:]
    if any((unquote(segment) if "%" in segment else segment) in (".", "..") for segment in path):
        raise DestinationError("a segment of the URL's path is '.' or '..', which would name another path")
