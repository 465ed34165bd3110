"""How far a deployment has seen its ledger, kept outside of it: so that an older one in its place is noticed.

Belongs here: the file, and comparing a ledger with it. Does not belong here: what becomes of a ledger that went back
(`adoption`), the warehouse's copy of the history, which every build compares row by row (`sources.ledger_copy`).

The file names the ledger and the newest change in its history. Whoever sends or enqueues moves it on, at most once a
second. What it cannot notice: a backup no older than the file, and one that brought the file back with it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from postback_pipeline.ledger.columns import instant_text
from postback_pipeline.ledger.errors import LedgerError, LedgerUnavailable
from postback_pipeline.ledger.schema import history

#: Seconds between two writes of the file.
MOVE_EVERY = 1.0

_NEWEST = select(history.c.seq, history.c.at).order_by(history.c.seq.desc()).limit(1)

_WHAT_TO_DO = (
    "Nothing was sent or enqueued. Put the newest ledger back; or, where there is none, see `Backups` in"
    " docs/operations.md and run: postback ledger adopt --reason ..."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the file says."""

    ledger_id: str
    #: The newest change of state: its number, 0 for none, and its time, UTC, as text.
    seq: int
    at: str


class Mark:
    """The file of one deployment for one ledger."""

    def __init__(self, file: Path, ledger_id: str) -> None:
        self._file = file
        self._ledger_id = ledger_id
        self._written: Seen | None = None
        self._not_before = 0.0

    def objection(self, connection: Connection) -> str | None:
        """Why this ledger is not the one that the deployment worked with last, as sentences; None if it may be.

        Then the file need not be written again before the ledger has moved on.

        Raises:
            LedgerError: the file cannot be read.
        """
        seen = self._read()
        if seen is None:
            return None
        if seen.ledger_id != self._ledger_id:
            return (
                f"This is ledger {self._ledger_id}, but this deployment last worked with ledger {seen.ledger_id}"
                f" (see {self._file}). {_WHAT_TO_DO}"
            )
        at: datetime | None = connection.execute(select(history.c.at).where(history.c.seq == seen.seq)).scalar()
        if seen.seq and (at is None or instant_text(at) != seen.at):
            return _went_back(seen)
        self._written = seen
        return None

    def objects(self, connection: Connection) -> bool:
        """Whether `open_ledger` would refuse this ledger, be it because the file is damaged."""
        try:
            return self.objection(connection) is not None
        except LedgerError:
            return True

    def move(self, connection: Connection, *, at_once: bool = False) -> None:
        """Notes how far the ledger has come, unless that was noted just now or `at_once` is asked for.

        Raises:
            LedgerError: the ledger went back since this was called last.
            LedgerUnavailable: the file cannot be written.
        """
        if at_once or time.monotonic() >= self._not_before:
            newest = self._newest(connection)
            if self._written is not None and newest.seq < self._written.seq:
                raise LedgerError(_went_back(self._written))
            self._write(newest)

    def set(self, connection: Connection) -> None:
        """Notes this ledger and how far it has come, whatever the file said.

        Raises:
            LedgerUnavailable: the file cannot be written.
        """
        self._write(self._newest(connection))

    def _newest(self, connection: Connection) -> Seen:
        newest = connection.execute(_NEWEST).one_or_none()
        seq, at = (0, "") if newest is None else (newest.seq, instant_text(newest.at))
        return Seen(self._ledger_id, seq, at)

    def _write(self, seen: Seen) -> None:
        if seen != self._written:
            try:
                _replace(self._file, json.dumps(asdict(seen)))
            except OSError as error:
                raise LedgerUnavailable(f"{self._file} could not be written: {error.strerror}.") from None
        self._written, self._not_before = seen, time.monotonic() + MOVE_EVERY

    def _read(self) -> Seen | None:
        try:
            return Seen(**json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LedgerError(f"{self._file} could not be read: {error.strerror}. {_WHAT_TO_DO}") from None
        except (ValueError, TypeError):
            raise LedgerError(
                f"{self._file} is damaged, so it cannot be said whether the ledger is the newest one. {_WHAT_TO_DO}"
            ) from None


def _went_back(seen: Seen) -> str:
    return (
        f"This deployment has seen change {seen.seq} of the ledger's history, of {seen.at}, which is no longer there:"
        f" an older backup was restored, and what was sent since is forgotten. {_WHAT_TO_DO}"
    )


def _replace(file: Path, text: str) -> None:
    """Another process sees the old file or the new one, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with open(descriptor, "w", encoding="utf-8") as written:
            written.write(text + "\n")
            written.flush()
            os.fsync(written.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
