"""Replies as values of the types that a platform documents; anything else is a sentence, never a guess.

Belongs here: taking one value out of JSON. Does not belong here: which values a platform tells.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.json_body import json_of
from postback_pipeline.platforms.base import PullError

#: What a value is to be no larger than: above it stands a unit that was mistaken.
_MOST = Decimal(10) ** 15
_MONEY = Decimal("0.0001")


def body_of(reply: Reply) -> dict[str, Any]:
    """The reply as an object."""
    body = json_of(reply)
    if not isinstance(body, dict):
        raise PullError("The reply is no JSON object.")
    return body


def list_of(reply: Reply) -> list[dict[str, Any]]:
    """The reply as a list of objects."""
    return objects({"reply": json_of(reply)}, "reply")


def flag(value: Any, *path: str) -> bool:
    """A yes or no."""
    found = find(value, *path)
    if not isinstance(found, bool):
        raise PullError(f"{'.'.join(path)} is neither true nor false.")
    return found


def find(value: Any, *path: str) -> Any:
    """The value below nested objects; None where any of them is missing."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def objects(value: Any, *path: str, optional: bool = False) -> list[dict[str, Any]]:
    """A list of objects; where it may be missing, that is none."""
    found = find(value, *path)
    if found is None and optional:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise PullError(f"{'.'.join(path)} is no list of objects.")
    return found


def text(value: Any, *path: str) -> str:
    """A text that says something; a whole number counts as its digits."""
    found = find(value, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found:
        raise PullError(f"{'.'.join(path)} is no text.")
    return found


def decimal(value: Any, *path: str, default: Decimal | None = None) -> Decimal:
    """A number, written as one or as a text, to four decimals; where it may be missing, `default`."""
    found = find(value, *path)
    if found is None and default is not None:
        return default
    try:
        if isinstance(found, bool) or not isinstance(found, int | float | str):
            raise PullError(f"{'.'.join(path)} is no number.")
        number = Decimal(str(found)).quantize(_MONEY)
        # NaN is not to be compared, which is the same error.
        is_beyond = abs(number) >= _MOST
    except InvalidOperation:
        raise PullError(f"{'.'.join(path)} is no number.") from None
    if is_beyond:
        raise PullError(f"{'.'.join(path)} is beyond all measure.")
    return number


def day(value: Any, *path: str) -> date:
    """A date, written as 2026-03-01."""
    written = text(value, *path)
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise PullError(f"{'.'.join(path)} is no date.") from None


def moment(value: Any, *path: str) -> datetime:
    """An instant, written with its zone."""
    try:
        found = datetime.fromisoformat(text(value, *path))
    except ValueError:
        raise PullError(f"{'.'.join(path)} is no time.") from None
    if found.tzinfo is None:
        raise PullError(f"{'.'.join(path)} names no zone.")
    return found
