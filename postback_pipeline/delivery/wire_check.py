"""The last look at a request before it may leave: nothing that a client chokes on, and to a configured origin only.

Belongs here: checks that hold for every destination. A request that fails one is poison: its own row is refused, the
loop goes on.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from postback_pipeline.destinations.base import Destination, DestinationError, Request
from postback_pipeline.destinations.options import origin_of
from postback_pipeline.destinations.request_forms import HEADER_NAME

_URL = re.compile(r"[!-~]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def check_request(request: Request, destination: Destination) -> None:
    """Passes, or raises DestinationError with a sentence that shows neither URL nor header values."""
    if request.method not in _METHODS:
        raise DestinationError(f"{request.method!r} is no method of a postback.")
    if not _URL.fullmatch(request.url):
        raise DestinationError("The URL holds characters that must be percent-encoded.")
    if not _are_header_names(tuple(request.headers)) or not _are_header_values(request.headers.values()):
        raise DestinationError("A header holds characters that no header can carry.")
    # Most URLs begin as their origin is written; what does not is looked at closely.
    if not request.url.startswith(_beginnings(destination.origins)) and not _goes_to(request.url, destination.origins):
        raise DestinationError("The request goes to an origin that is not configured.")


@lru_cache(maxsize=256)
def _are_header_names(names: tuple[str, ...]) -> bool:
    return all(HEADER_NAME.fullmatch(name) for name in names)


def _are_header_values(values: Collection[str]) -> bool:
    together = "".join(values)
    # The quick answer knows no tab.
    return (together.isascii() and together.isprintable()) or _HEADER_VALUE.fullmatch(together) is not None


@lru_cache(maxsize=256)
def _beginnings(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(origin + end for origin in origins for end in "/?")


def _goes_to(url: str, origins: tuple[str, ...]) -> bool:
    try:
        return origin_of(url) in origins
    except ValueError:
        return False
