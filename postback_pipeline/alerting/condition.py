"""What may be wrong, as a small value; where somebody looks for it.

Belongs here: `Condition`, and the contract of a place that is looked at. Does not belong here: any particular place,
what becomes of a condition (`course`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postback_pipeline.model import PostbackError
from postback_pipeline.settings.alerts import ConditionKind


class AlertError(PostbackError):
    """Alerts cannot work as they are set up, or their memory cannot be used; a whole sentence."""


class Severity(StrEnum):
    """How soon somebody should act."""

    WARNING = "warning"
    """When there is time for it."""
    URGENT = "urgent"
    """Now: quiet hours do not hold it back."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong. No text of it holds personal data, a secret or a click id."""

    #: Stays the same while it lasts: `paused:meta`.
    key: str
    kind: ConditionKind
    #: The destination, source, job or asset that it is about; messages are grouped by it.
    subject: str
    #: What is the matter, in whole sentences for a person who was not there.
    sentence: str
    #: The command, or commands, by which a person looks or acts.
    act: str
    #: Where the UI shows it, from the first slash on; None where it shows nothing.
    link: str | None = None
    #: Since when, aware UTC; None: since it was first seen.
    since: datetime | None = None
    #: Kinds that the settings call urgent are urgent whatever is said here.
    severity: Severity = Severity.WARNING
    #: Numbers and words for machines.
    figures: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in one place: all conditions that hold there now."""

    conditions: tuple[Condition, ...]
    #: Names the state that was looked at; handed to the next look.
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be looked at for conditions of certain kinds, which no other place looks for."""

    name: str
    kinds: frozenset[ConditionKind]
    #: Given the last look's mark (empty: none yet), what is there; None where nothing can have changed since that look.
    #: It may raise anything: then nothing is known about its kinds, and what held there goes on.
    look: Callable[[str], Seen | None]
    #: The command by which a person finds out why it cannot be looked at.
    act: str = "postback check"
