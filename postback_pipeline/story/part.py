"""One block of a story, whatever shows it.

Belongs here: the shape of a block. Does not belong here: what stands in it, how it looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with a sentence, facts or a table below it; values are plain, times UTC."""

    heading: str
    #: 0 for what stands by itself, 1 for what belongs to the last part of depth 0.
    depth: int = 0
    sentence: str = ""
    #: Only those with a value are worth showing.
    facts: Mapping[str, object] = field(default_factory=dict)
    #: None: it has no table; without rows: there are none.
    columns: Sequence[str] | None = None
    rows: Sequence[Sequence[object]] = ()
