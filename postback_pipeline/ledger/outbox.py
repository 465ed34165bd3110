"""One destination's rows of the outbox, as an enqueue reads them: all beliefs first, then only the rows that differ.

Belongs here: the contract, and the rows of somebody who has them in memory. Does not belong here: the warehouse, whose
reader fulfils the contract without a `Desired` for what the ledger knows already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.decision import belief
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.model import Desired

#: Conversion key, the revision it was computed against, and `decision.belief` of the row.
Belief: TypeAlias = tuple[str, int, str | None]

#: Rows that are looked at together.
ROWS_AT_ONCE = 10_000


@runtime_checkable
class Outbox(Protocol):
    """The rows of one destination in the order of their conversion keys (bytes of UTF-8); readable more than once."""

    def beliefs(self) -> Iterator[Sequence[Belief]]:
        """What every row says, in short, in lists of a few thousand; read beside `rows`."""
        ...

    def rows(self, keys: Collection[str]) -> Iterator[list[Desired]]:
        """The whole rows of these conversions, in lists of a few thousand."""
        ...


class RowsInMemory:
    """An outbox of rows that are there already; any order will do."""

    def __init__(self, destination: str, rows: Iterable[Desired]) -> None:
        found = list(rows)
        for row in found:
            if row.destination != destination:
                raise LedgerError(
                    f"A row of destination {row.destination} was enqueued for {destination}. Nothing was enqueued."
                )
        # Code points sort as their UTF-8 does. Of two rows of a conversion the first one stays the first.
        self._rows = sorted(found, key=lambda row: row.conversion_key)

    def beliefs(self) -> Iterator[list[Belief]]:
        """As `Outbox.beliefs`."""
        for chunk in chunks(self._rows, ROWS_AT_ONCE):
            yield [(row.conversion_key, row.computed_against, belief(row)) for row in chunk]

    def rows(self, keys: Collection[str]) -> Iterator[list[Desired]]:
        """As `Outbox.rows`."""
        wanted = frozenset(keys)
        return chunks((row for row in self._rows if row.conversion_key in wanted), ROWS_AT_ONCE)
