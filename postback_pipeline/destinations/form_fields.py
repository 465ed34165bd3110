"""Fields as `name=value&name=value`: the body of a form, or what follows a URL's question mark.

Belongs here: that encoding, and the limits that hold for all of it. Does not belong here: which fields, and URLs that
a configuration describes (`request_forms`).
"""

from __future__ import annotations

from collections.abc import Iterable

from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.destinations.request_forms import MAX_BODY, percent


def form_text(fields: Iterable[tuple[str, str | None]], longest: int = MAX_BODY) -> str:
    """The fields that have a value, in their order; names are ours and stand as they are.

    Raises DestinationError where a value has no UTF-8 form, or the whole is longer than `longest` bytes.
    """
    try:
        text = "&".join([f"{name}={percent(value)}" for name, value in fields if value])
    except UnicodeEncodeError:
        raise DestinationError("A value of this conversion holds half a character and cannot be sent.") from None
    if len(text) > longest:
        raise DestinationError(f"The fields are longer than {longest} bytes.")
    return text


def not_longer(value: str, longest: int, what: str) -> str:
    """The value, where it has at most `longest` characters. Raises DestinationError: it would be cut, or refused."""
    if len(value) > longest:
        raise DestinationError(f"{what} is longer than {longest} characters, the most that are taken.")
    return value
