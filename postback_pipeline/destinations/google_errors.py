"""Errors as Google's REST interfaces write them: `google.rpc.Status` with typed details.

Belongs here: finding them, and what their HTTP statuses say about a whole request. Does not belong here: what one
interface's own codes mean. Source: cloud.google.com/apis/design/errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from postback_pipeline.destinations.base import Reading, Reply, Verdict

_ENUM = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


def enum_name(value: object) -> str:
    """An enum's value, which may be shown, cut to 60 characters; empty for anything else."""
    return value[:60] if isinstance(value, str) and _ENUM.fullmatch(value) else ""


def details_of(status: object, kind: str) -> Iterator[dict[str, Any]]:
    """The details of a `google.rpc.Status` whose type ends with `kind`."""
    details = status.get("details") if isinstance(status, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith(kind):
            yield detail


def dicts_in(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none of what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def whole_request(reply: Reply, status: object) -> Verdict:
    """What a status that is not 200 says about a request whose details say nothing."""
    code = enum_name(status.get("status")) if isinstance(status, dict) else ""
    reason = code or f"HTTP {reply.status}"
    if reply.status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    if reply.status == 429:
        return Verdict(Reading.RETRY, reason)
    if reply.status == 400 and code:
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)
