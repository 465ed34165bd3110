"""A destination's own options: checked with pydantic, refused in sentences; what several adapters ask for.

Belongs here: options and checks that adapters share. Does not belong here: an option of one receiver, and the fields
that every destination has (`settings.DestinationSettings`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.settings import DestinationSettings, Mode, sentences

#: Pattern of an environment variable's name.
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: All of a URL before its path.
URL_START = re.compile(r"[^/?#]*//[^/?#]*")
#: A URL's host, lower-case, as it stands before a port.
HOST = re.compile(r"[a-z0-9.\-]+|\[[0-9a-f:.]+\]")


class BaseOptions(BaseModel):
    """What every adapter's options are. A field's `description` is shown with what is wrong about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Live mode speaks https only, unless this allows plain http.
    allow_http: bool = False


class Options(BaseOptions):
    """Options of types whose receiver is one's own to describe; hours may be fractions, None means no limit."""

    #: The receiver drops a second message with the same key; and for how long.
    deduplicates: bool = False
    dedup_window_hours: float | None = Field(default=None, gt=0)
    #: The oldest event time it takes.
    max_age_hours: float | None = Field(default=None, gt=0)
    #: It can adjust what its own pixel reported, and the ages of an event at which it takes adjustments.
    adjusts_pixel: bool = False
    adjustment_min_age_hours: float | None = Field(default=None, ge=0)
    adjustment_max_age_hours: float | None = Field(default=None, gt=0)


OptionsT = TypeVar("OptionsT", bound=BaseOptions)


def parse_options(model: type[OptionsT], name: str, settings: DestinationSettings) -> OptionsT:
    """The options of destination `name`.

    Raises:
        DestinationError: one sentence per mistake, each naming destination and option.
    """
    try:
        return model(**settings.options)
    except ValidationError as error:
        found = sentences(error, f"destinations.{name}")
        said = [_described(model, str(mistake["loc"][0]) if mistake["loc"] else "") for mistake in error.errors()]
        raise DestinationError("\n".join(map(str.__add__, found, said))) from error


def _described(model: type[BaseOptions], field: str) -> str:
    known = model.model_fields.get(field)
    return f" {known.description}" if known is not None and known.description else ""


def hours(value: float | None) -> timedelta | None:
    """An option in hours as a duration."""
    return None if value is None else timedelta(hours=value)


def origin_of(url: str) -> str:
    """`scheme://host[:port]`, lower-case, without the scheme's default port.

    Raises:
        ValueError: not an absolute http(s) URL, or one with a user name in it; the text never shows the URL.
    """
    start = URL_START.match(url)
    return _origin(start[0] if start else "")


@lru_cache(maxsize=256)
def _origin(start: str) -> str:
    parts = urlsplit(start)
    scheme, authority = parts.scheme.lower(), parts.netloc
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("the URL must start with https:// (or http://) and a host")
    if "@" in authority:
        raise ValueError("the URL must not hold a user name or password; use a header or a {secret:NAME}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if not HOST.fullmatch(host):
        raise ValueError("the URL's host must be plain ASCII; write an international name in its xn-- form")
    port = parts.port
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def require_https(name: str, option: str, origin: str, settings: DestinationSettings, options: BaseOptions) -> None:
    """Live mode sends personal data and secrets over TLS only, unless the deployment says otherwise.

    Raises:
        DestinationError: plain http in live mode without `allow_http`.
    """
    if settings.mode is Mode.LIVE and origin.startswith("http:") and not options.allow_http:
        raise DestinationError(
            f"destinations.{name}: {option}: mode live needs an https:// URL; set allow_http = true to send in clear."
        )
