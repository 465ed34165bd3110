"""What was found, as a value.

Belongs here: `Finding` and its words. Does not belong here: when one opens or ends (`judge`), sentences for people
(`alerting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from postback_pipeline.anomalies.series import Series


class Kind(StrEnum):
    """How it departs from what is usual."""

    DROP = "drop"
    """Below the usual range."""
    SPIKE = "spike"
    """Above it."""
    LEVEL_SHIFT = "level_shift"
    """For three days and more, to the same side."""
    SILENCE = "silence"
    """Nothing at all, where something comes on such days."""


class Confidence(StrEnum):
    """How sure it is."""

    LIKELY = "likely"
    """Chance does as much about once in ten thousand days."""
    CERTAIN = "certain"
    """Chance does not do it: once in a hundred million days."""


class Ending(StrEnum):
    """Why it is over."""

    BACK = "back"
    """The figure is in its usual range again."""
    ACCEPTED = "accepted"
    """It has stayed where it is for so long that this is what is usual now, or somebody announced it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of days on which a series was not what it usually is."""

    series: Series
    kind: Kind
    confidence: Confidence
    #: The first day of it; never after `found_on`.
    since: date
    #: The day whose figure gave it away.
    found_on: date
    #: The newest day that was out of range.
    last_on: date
    #: Of the day on which it was furthest out: what was seen, what was expected, and the usual range.
    value: float
    expected: float
    low: float
    high: float
    #: How far out, as standard deviations of a normal distribution; below: negative.
    sigmas: float
    #: None: it goes on.
    ended_on: date | None = None
    ending: Ending | None = None
