"""Kinds, spans and counts as words, the same in every message.

Belongs here: words. Does not belong here: the layout of a message (`message`, the channels).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from postback_pipeline.settings.alerts import ConditionKind

#: What a message's subject says of a kind, behind the name of whatever it is about.
HEADLINES = {
    ConditionKind.PAUSED: "paused",
    ConditionKind.FLOOD: "an enqueue waits for an approval",
    ConditionKind.PARKED: "postbacks of unknown fate",
    ConditionKind.CONFLICT: "duplicates that we never sent",
    ConditionKind.REJECTED: "postbacks rejected",
    ConditionKind.EXPIRED: "postbacks expired",
    ConditionKind.EXPIRING: "value about to expire",
    ConditionKind.REFUSED_ROWS: "rows that became no postback",
    ConditionKind.FAILED_RUN: "run failed",
    ConditionKind.FAILED_CHECK: "check failed",
    ConditionKind.STALE_SOURCE: "no new rows",
    ConditionKind.UNEXPLAINED: "unexplained difference",
    ConditionKind.ANOMALY: "unusual",
    ConditionKind.CHANNEL_DOWN: "alerts do not get through",
    ConditionKind.BLIND: "cannot be looked at",
}

#: Of a receiver's own words, so many are shown.
_LONGEST_REASON = 60
_MOST_REASONS = 3


def instant(value: datetime) -> str:
    """To the minute, UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def hours(value: timedelta) -> str:
    """A span by its largest unit: 40 min, 30 h, 5 d."""
    seconds = value.total_seconds()
    if seconds < 2 * 3_600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 72 * 3_600 else f"{seconds / 86_400:.0f} d"


def counted(count: int, singular: str) -> str:
    """1 postback, 2 postbacks."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def reasons(counts: Iterable[tuple[str, int]]) -> str:
    """The most frequent reasons, each with its count."""
    ordered = sorted(counts, key=lambda each: (-each[1], each[0]))
    shown = [f"{count:,} {shortened(reason) or 'without a reason'}" for reason, count in ordered[:_MOST_REASONS]]
    if rest := sum(count for _, count in ordered[_MOST_REASONS:]):
        shown.append(f"{rest:,} for other reasons")
    return ", ".join(shown)


def shortened(text: str, longest: int = _LONGEST_REASON) -> str:
    """One line without control characters, cut where it is too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
