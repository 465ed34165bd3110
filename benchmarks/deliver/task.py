"""What one contender is asked to do, as it crosses into the contender's process; standard library only.

Belongs here: the rows and where they go. Does not belong here: how they are sent (`contenders/`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

#: Stands in the body where a row's key belongs.
KEY = "@key@"
MEASURED = "measured.json"


@dataclass(frozen=True)
class Task:
    """Rows 0 to `rows` to a receiver, each as one request with the same body but for its key."""

    #: Starts the key of every row; no two runs share one.
    label: str
    rows: int
    #: Requests that may be under way at once, where the contender can do that.
    in_flight: int
    #: Where the receiver takes requests after the latency that is measured, without a slash at the end.
    url: str
    #: JSON object as text.
    body: str
    #: The run's own: for databases, projects and what was measured.
    folder: str
    #: `postgresql://` URL of an empty database, and the server's process; None for contenders that need none.
    database: str | None = None
    server_pid: int | None = None
    #: The core to run on; None: any.
    core: int | None = None

    @cached_property
    def _parts(self) -> tuple[bytes, bytes]:
        before, _, after = self.body.partition(KEY)
        return before.encode(), after.encode()

    def key_of(self, number: int) -> str:
        """The key of one row, as the receiver logs it."""
        return f"{self.label}:{number}.1"

    def body_of(self, number: int) -> bytes:
        """The bytes of one row's request."""
        before, after = self._parts
        return before + self.key_of(number).encode() + after

    def fields(self) -> dict[str, Any]:
        """The body's fields without a key, for contenders that make the JSON themselves."""
        fields: dict[str, Any] = json.loads(self.body)
        return {name: value for name, value in fields.items() if value != KEY}

    def as_json(self) -> str:
        """What `task_from` reads."""
        return json.dumps(asdict(self))


def task_from(text: str) -> Task:
    """The task that `Task.as_json` wrote."""
    return Task(**json.loads(text))


def measured_file(folder: str | Path) -> Path:
    """Where a contender leaves what was measured."""
    return Path(folder) / MEASURED
