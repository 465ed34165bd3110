"""What is remembered between two rounds: which conditions hold, who was told of them when, which channels fail.

Belongs here: these values, and the file that keeps them. Does not belong here: what becomes of them (`course`), who
looks and tells (`round`).

The file is a small SQLite database of its own, not a part of the ledger: alerts tell of a ledger that cannot be used,
and what is lost with this file costs one repeated message (docs/decisions/alerts-beside-the-ledger.md).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from postback_pipeline.alerting.condition import AlertError, Condition, Severity


@dataclass(frozen=True, slots=True)
class Told:
    """When a channel was last told that a condition holds, and how bad it was then."""

    at: datetime
    severity: Severity
    #: How often it was told, the first time included.
    times: int = 1


@dataclass(frozen=True, slots=True)
class Held:
    """A condition that holds, or that some channel does not know to be over."""

    condition: Condition
    since: datetime
    #: When it was last seen to hold.
    seen_at: datetime
    #: Looked for and not seen, from here on; it may come back.
    absent_since: datetime | None = None
    #: It has been absent for long enough.
    over_at: datetime | None = None
    #: By channel.
    told: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelMemory:
    """How sending to one channel went."""

    sent_at: datetime | None = None
    failing_since: datetime | None = None
    #: Tries that failed, one after the other; why the last one did.
    failures: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it."""

    looked_at: datetime | None = None
    #: Names the settings of the last round: with others, marks say nothing.
    settings: str = ""
    #: Place -> the mark of its last look.
    marks: Mapping[str, str] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    channels: Mapping[str, ChannelMemory] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Memory)
_MAY_BE_DELETED = "It may be deleted: what holds is told again then."
_IS_NEW = "SELECT count(*) = 0 FROM sqlite_schema WHERE name = 'memory'"


class AnotherRound(AlertError):
    """Another process is at it; nothing has to be done."""


class OpenMemory:
    """The memory while a round holds it."""

    def __init__(self, connection: sqlite3.Connection, memory: Memory) -> None:
        self._connection = connection
        self.memory = memory

    def keep(self, memory: Memory) -> None:
        """Makes it durable at the end of the round."""
        self.memory = memory
        self._connection.execute("DELETE FROM memory")
        self._connection.execute("INSERT INTO memory (content) VALUES (?)", [_ADAPTER.dump_json(memory).decode()])


@contextmanager
def remembering(file: Path) -> Iterator[OpenMemory]:
    """Holds the memory, alone, and makes the file if there is none; what was kept is durable when it ends.

    Raises:
        AnotherRound: another process holds it.
        AlertError: the file cannot be used.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _sentences(file), closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS memory (content TEXT NOT NULL)")
            yield OpenMemory(connection, _read(connection))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def read_memory(file: Path) -> Memory:
    """What was kept last; nothing where there is no such file.

    Raises:
        AlertError: the file cannot be used.
    """
    if not file.is_file():
        return Memory()
    with _sentences(file), closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        return _read(connection)


def _read(connection: sqlite3.Connection) -> Memory:
    if connection.execute(_IS_NEW).fetchone()[0]:
        return Memory()
    row = connection.execute("SELECT content FROM memory").fetchone()
    return Memory() if row is None else _ADAPTER.validate_json(row[0])


@contextmanager
def _sentences(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise AnotherRound("Another round of alerts is at work.") from None
        raise AlertError(f"{file}, which knows who was told what, cannot be used: {error}. {_MAY_BE_DELETED}") from None
    except ValidationError:
        raise AlertError(
            f"{file}, which knows who was told what, is damaged or of another version. {_MAY_BE_DELETED}"
        ) from None
