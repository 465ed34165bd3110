"""What replies mean where the configuration says so: conditions on status, body text and JSON fields.

Belongs here: matching a reply against configured conditions. A reply is hostile input: nothing here raises, and what
is not clearly JSON (UTF-16, NaN, a key given twice) is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from postback_pipeline.destinations.base import Reply

Status = Annotated[int, Field(ge=100, le=599)]
_MISSING = object()


class ReplyRule(BaseModel):
    """All given conditions must hold; one that is left out always does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[Status, ...] | None = None
    #: Searched in the body as UTF-8 text.
    body_regex: re.Pattern[str] | None = None
    #: Dotted path (`data.0.status`) -> the exact value there.
    json_fields: Mapping[str, bool | int | float | str] | None = Field(default=None, alias="json")

    @model_validator(mode="after")
    def _says_something(self) -> ReplyRule:
        if not (self.status or self.body_regex or self.json_fields):
            raise ValueError("give at least one of status, body_regex, json")
        return self

    def matches(self, content: ReplyContent) -> bool:
        """Whether the reply fulfils every condition."""
        if self.status is not None and content.status not in self.status:
            return False
        if self.body_regex is not None and not self.body_regex.search(content.text):
            return False
        return all(_same(content.field(path), wanted) for path, wanted in (self.json_fields or {}).items())


class ReplyContent:
    """A reply's status, text and JSON, each decoded once and only if asked for."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self._body = reply.body

    @cached_property
    def text(self) -> str:
        """The body as UTF-8, other bytes replaced."""
        return self._body.decode("utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """The parsed body, or a value that equals nothing."""
        try:
            return json.loads(self._body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            return _MISSING

    def field(self, path: str) -> Any:
        """The value at a dotted path, or a value that equals nothing."""
        found = self.json
        for step in path.split("."):
            if isinstance(found, dict):
                found = found.get(step, _MISSING)
            elif isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return _MISSING
        return found


def _same(found: object, wanted: object) -> bool:
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
