"""Where a worker dies: named points on the way of a postback, wrapped around the pipeline from outside.

Belongs here: the points, and the seams of the pipeline at which they lie. Does not belong here: what a worker does
(`crash_worker`). Nothing in the pipeline knows of any of this.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from enum import StrEnum
from typing import Any, cast

from duckdb import DuckDBPyConnection
from sqlalchemy import Connection, event

from postback_pipeline.ledger import Ledger


class Point(StrEnum):
    """A moment in a worker's life, in the order of a postback's way."""

    WHILE_ENQUEUING = "while_enqueuing"
    """In the enqueue's transaction, before a statement that writes or before its commit."""
    AFTER_CLAIM = "after_claim"
    """The claim is durable, no byte has left."""
    AFTER_CONNECT = "after_connect"
    """There is a connection, no byte has left."""
    AFTER_HEADERS = "after_headers"
    """The head of a request has left; of one without a body, all but its last byte."""
    MID_BODY = "mid_body"
    """Half of the body has left; of a request without a body, half of the head."""
    AFTER_BODY = "after_body"
    """The whole request has left."""
    AFTER_RESPONSE = "after_response"
    """The reply is here, nothing is recorded."""
    BEFORE_COMMIT = "before_commit"
    """All statements of one of the drain's transactions ran, its COMMIT did not."""
    AFTER_COMMIT = "after_commit"
    """An outcome is durable, and the worker has not heard of it."""
    WHILE_RENEWING = "while_renewing"
    """In the transaction that extends leases, before its COMMIT."""
    WHILE_COPYING = "while_copying"
    """In the warehouse's transaction that takes over the ledger's history."""


#: How often a worker may pass a point before it dies there: so many passes happen in a worker's short life.
PASSES = {
    Point.WHILE_ENQUEUING: 4,
    Point.AFTER_CLAIM: 2,
    Point.AFTER_CONNECT: 2,
    Point.BEFORE_COMMIT: 4,
    Point.AFTER_COMMIT: 2,
    Point.WHILE_RENEWING: 2,
    Point.WHILE_COPYING: 8,
}
MOST_PASSES = 5


class Death:
    """Kills its process at the n-th pass of one point; None: it lives.

    Args:
        point: where.
        passes: at which pass.
        ends_with: SIGSTOP instead makes it a worker that wakes up when others have long gone on.
    """

    def __init__(self, point: Point | None, passes: int = 1, ends_with: signal.Signals = signal.SIGKILL) -> None:
        self.point = point
        self._left = passes
        self._signal = ends_with
        self._lock = threading.Lock()
        #: Held by each operation on the ledger while it lasts.
        self.operation = threading.RLock()

    def at(self, point: Point | None, before: Callable[[], None] | None = None) -> bool:
        """One pass, and what is still done `before` the end. Whether this one was it, for those that wake up again."""
        if point is None or point is not self.point:
            return False
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return False
            if before is not None:
                before()
            # Whoever sleeps in the middle of another thread's operation sleeps with the database's lock.
            with nullcontext() if self._signal is signal.SIGKILL else self.operation:
                os.kill(os.getpid(), self._signal)
            return True


#: Operation -> the point inside of its transaction; inside every other operation of a drain it is `BEFORE_COMMIT`.
_INSIDE = {"enqueue": Point.WHILE_ENQUEUING, "renew": Point.WHILE_RENEWING}
_AFTER = {"claim": Point.AFTER_CLAIM, "record": Point.AFTER_COMMIT}


class MortalLedger:
    """A ledger whose worker may die around its operations and inside of their transactions."""

    def __init__(self, ledger: Ledger, death: Death) -> None:
        self._ledger = ledger
        self._death = death
        self._operation = threading.local()
        engine = ledger._database.engine
        event.listen(engine, "commit", self._commits)
        event.listen(engine, "before_cursor_execute", self._executes)

    def as_ledger(self) -> Ledger:
        """It does all that a ledger does."""
        return cast(Ledger, self)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._ledger, name)
        return self._around(name, attribute) if callable(attribute) else attribute

    def _around(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._operation.name = name
            try:
                with self._death.operation:
                    found = operation(*args, **kwargs)
            finally:
                self._operation.name = None
            if name == "record" or (name == "claim" and found):
                self._death.at(_AFTER[name])
            return found

        return call

    def _inside(self, connection: Connection) -> Point | None:
        if connection.get_execution_options().get("ledger_reads"):
            return None
        name = getattr(self._operation, "name", None)
        return _INSIDE.get(name, Point.BEFORE_COMMIT) if name else None

    def _commits(self, connection: Connection) -> None:
        if point := self._inside(connection):
            self._death.at(point)

    def _executes(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        point = self._inside(connection)
        if point is Point.WHILE_ENQUEUING and not statement.startswith(("SELECT", "BEGIN")):
            self._death.at(point)


class MortalHistory:
    """A ledger's history that may end with its reader."""

    def __init__(self, ledger: Ledger, death: Death) -> None:
        self._ledger = ledger
        self._death = death

    def history(self, after_seq: int) -> Iterator[Sequence[dict[str, Any]]]:
        """Its batches."""
        for rows in self._ledger.history(after_seq, batch=500):
            self._death.at(Point.WHILE_COPYING)
            yield rows


class MortalWarehouse:
    """A DuckDB connection whose process may die before each statement and before the commit."""

    def __init__(self, connection: DuckDBPyConnection, death: Death) -> None:
        self._connection = connection
        self._death = death

    def as_connection(self) -> DuckDBPyConnection:
        """It does all that a connection does."""
        return cast(DuckDBPyConnection, self)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._connection, name)
        if name not in ("execute", "commit"):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._death.at(Point.WHILE_COPYING)
            return attribute(*args, **kwargs)

        return call
