"""A received request as one line of the log.

Belongs here: reading path, query and body without ever failing, and finding a field in them. Does not belong here:
what is answered (`judge.py`).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

#: `time` (UTC, ISO 8601), `receiver`, `method`, `path` and `query` (decoded), `body`, `id` and `answer`; a message of
#: many has the `id` of the request that brought it as `batch`.
Entry = dict[str, Any]

FORM = "application/x-www-form-urlencoded"
#: Names under which receivers know what kind a message is, what it is about and what that is worth.
KIND = ("kind", "type")
TRANSACTION = ("transaction_id", "order_id")
VALUE = ("value", "amount")
#: Names of a query's parameters whose values are secrets: those are never written down.
_SECRET = re.compile("token|secret|password", re.IGNORECASE)


def read_entry(*, time: datetime, method: str, target: str, content_type: str, body: bytes) -> Entry:
    """The entry of a fully read request; `target` is the path with its query, as it came."""
    raw_path, _, raw_query = target.partition("?")
    return {
        "time": time.isoformat(timespec="milliseconds"),
        "receiver": unquote(raw_path.split("/")[1] if "/" in raw_path else ""),
        "method": method,
        "path": unquote(raw_path),
        "query": {name: "***" if _SECRET.search(name) else value for name, value in _pairs(raw_query).items()},
        "body": _body(body, content_type),
    }


def line(entry: Entry) -> bytes:
    """The entry as a line of JSON, ASCII only."""
    return json.dumps(entry, allow_nan=False).encode() + b"\n"


def find(entry: Entry, *names: str) -> str | None:
    """The first of these fields that has a value: in the query, the body, or the body's `data`."""
    body = entry["body"] if isinstance(entry["body"], dict) else {}
    data = body["data"] if isinstance(body.get("data"), dict) else {}
    for name in names:
        for fields in (entry["query"], body, data):
            value = fields.get(name)
            if value is not None and not isinstance(value, dict | list):
                return str(value)
    return None


def _pairs(text: str) -> dict[str, str | list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _body(content: bytes, content_type: str) -> object:
    """JSON if it is, else the fields of a form, else text; None for no body."""
    if not content:
        return None
    text = content.decode("utf-8", errors="replace")
    if content_type.startswith(FORM):
        return _pairs(text)
    try:
        parsed = json.loads(text)
        json.dumps(parsed, allow_nan=False)
    except (ValueError, RecursionError):
        # Not JSON, or what no line of the log could hold: NaN, 1e999, thousands of brackets.
        return text
    return parsed
