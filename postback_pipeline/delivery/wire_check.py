"""The last look at a request before it may leave: nothing that a client chokes on, and to a configured origin only.

Belongs here: checks that hold for every destination. A request that fails one is poison: its own row is refused, the
loop goes on.
"""

from __future__ import annotations

import re

from postback_pipeline.destinations.base import Destination, DestinationError, Request
from postback_pipeline.destinations.options import origin_of

_URL = re.compile(r"[!-~]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def check_request(request: Request, destination: Destination) -> None:
    """Passes, or raises DestinationError with a sentence that shows neither URL nor header values."""
    if request.method not in _METHODS:
        raise DestinationError(f"{request.method!r} is no method of a postback.")
    if not _URL.fullmatch(request.url):
        raise DestinationError("The URL holds characters that must be percent-encoded.")
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise DestinationError("A header holds characters that no header can carry.")
    try:
        origin = origin_of(request.url)
    except ValueError:
        origin = None
    if origin not in destination.origins:
        raise DestinationError("The request goes to an origin that is not configured.")
