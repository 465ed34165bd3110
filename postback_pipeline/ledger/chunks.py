"""Long lists in pieces that fit a statement.

Belongs here: that. Does not belong here: anything that knows what the items are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: Rows per statement: far below the databases' limits, large enough that the statement's own cost vanishes.
CHUNK = 1_000


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of up to `size`; none for no items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
