"""JSON as it is written to receivers and read from them.

Belongs here: an element as text, many elements in an envelope, a reply as a value. Does not belong here: what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from postback_pipeline.destinations.base import DestinationError, Element, Reply
from postback_pipeline.destinations.request_forms import MAX_BODY

#: A receiver's own code, which may be shown: anything else could quote a person.
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,48}")


def json_text(body: Mapping[str, Any], longest: int = MAX_BODY) -> str:
    """An element. Raises DestinationError where it has no UTF-8 form, or is longer than `longest` bytes."""
    try:
        text = orjson.dumps(body)
    except orjson.JSONEncodeError:
        raise DestinationError("A value of this conversion holds half a character and cannot be sent.") from None
    if len(text) > longest:
        raise DestinationError(f"The body is longer than {longest} bytes.")
    return text.decode()


def without_nothing(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields that have a value; zero and False are values, None, "" and what is empty are not."""
    return {name: value for name, value in fields if value or value == 0}


def enveloped(before: str, elements: Sequence[Element], after: str) -> bytes:
    """Elements, comma-separated, between two pieces of JSON."""
    return (before + ",".join([element.text for element in elements]) + after).encode()


def json_of(reply: Reply) -> Any:
    """The reply's body as a value; None for what is no JSON."""
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def is_count(value: object, *counts: int) -> bool:
    """Whether a reply's value is one of these whole numbers; `true` is none."""
    return type(value) is int and value in counts


def index_of(value: object, count: int) -> int | None:
    """The row that a reply's value names, of so many; None for what names none, as `true` and -1 do."""
    return value if type(value) is int and 0 <= value < count else None


def code_of(value: object) -> str | None:
    """A receiver's own code, if it is one: letters, digits, `_`, `.` and `-`, at most 48; or a whole number."""
    if type(value) is int:
        return str(value) if abs(value) < 10**12 else None
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
