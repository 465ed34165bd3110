"""Finding, many at a time, the rows of an outbox that need no second thought: nearly all of them on most days.

Belongs here: comparing what the outbox says in short with the newest revisions of a range of keys. Does not belong
here: the rule by which both are the same (`decision`), and every row that differs (`planning`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.decision import STANDS
from postback_pipeline.ledger.known import Newest, read_newest
from postback_pipeline.ledger.outbox import Outbox
from postback_pipeline.ledger.outbox_rows import flaw_of_text

#: Keys that are gathered before their rows are read.
WANTED_AT_ONCE = 250_000


@dataclass(slots=True)
class Sifted:
    """What a stretch of the outbox came to."""

    known: int = 0
    #: Computed against another revision than the newest one.
    stale: int = 0
    #: Keys that the outbox names a second time.
    twice: list[str] = field(default_factory=list)
    #: Keys whose rows must be looked at, and which of them the ledger has heard of.
    wanted: list[str] = field(default_factory=list)
    heard_of: set[str] = field(default_factory=set)


def sift(database: Database, destination: str, outbox: Outbox) -> Iterator[Sifted]:
    """Goes through the outbox without a lock; every row is in exactly one of the counts or lists."""
    found, previous = Sifted(), None
    for beliefs in outbox.beliefs():
        held = _held(database, destination, [key for key, _, _ in beliefs])
        for key, against, says in beliefs:
            newest = held.get(key)
            if key == previous:
                found.twice.append(key)
            elif newest is None:
                # What was computed against a revision is looked at where its key cannot even be asked for.
                found.wanted.append(key)
            elif against != newest[0]:
                found.stale += 1
            elif says == newest[4] and newest[1:4] in STANDS:
                found.known += 1
            else:
                found.wanted.append(key)
                found.heard_of.add(key)
            previous = key
        if len(found.wanted) >= WANTED_AT_ONCE:
            yield found
            found = Sifted()
    yield found


def _held(database: Database, destination: str, keys: list[str]) -> dict[str, Newest]:
    if flaw_of_text("".join(keys)) is not None:
        keys = [key for key in keys if flaw_of_text(key) is None]
    with database.reading() as connection:
        return read_newest(connection, destination, keys)
