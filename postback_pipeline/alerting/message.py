"""One message: what a channel is told in one round, grouped by what it is about.

Belongs here: the grouping, the subject line, the message as plain text, its id. Does not belong here: other layouts
and sending (the channels), which conditions are in it (`course`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from postback_pipeline.alerting.condition import Severity
from postback_pipeline.alerting.course import Item, News
from postback_pipeline.alerting.wording import HEADLINES, instant

#: So many conditions are told in full; a flood of them is one trouble, and no chat shows more.
MOST_ITEMS = 30


@dataclass(frozen=True, slots=True)
class Message:
    """What one channel is told in one round."""

    environment: str
    #: Aware UTC.
    at: datetime
    items: tuple[Item, ...]
    #: Where the Dagster UI is; None: no links.
    ui_url: str | None = None
    #: A try of the channel, about conditions that were made up.
    is_sample: bool = False

    @property
    def subject(self) -> str:
        """One line: the first and worst of it, and how much else there is."""
        first, *others = ordered(self.items)
        more = f" (+{len(others)} more)" if others else ""
        sample = "Test: " if self.is_sample else ""
        return f"[{self.environment}] {sample}{headline(first)}{more}"

    @property
    def identity(self) -> str:
        """The same for a message that is sent again since nobody knows whether it arrived."""
        names = [f"{self.environment}/{item.held.condition.key}/{item.news}/{item.times}" for item in self.items]
        since = [item.held.since.isoformat() for item in self.items]
        return hashlib.sha256("\n".join([*sorted(names), *sorted(since)]).encode()).hexdigest()

    def link_of(self, item: Item) -> str | None:
        """Where the UI shows it."""
        path = item.held.condition.link
        return f"{self.ui_url.rstrip('/')}{path}" if self.ui_url and path else None


def headline(item: Item) -> str:
    """`URGENT: meta: paused`, `over: meta: paused`."""
    condition = item.held.condition
    said = f"{condition.subject}: {HEADLINES[condition.kind]}"
    if item.news is News.OVER:
        return f"over: {said}"
    return f"URGENT: {said}" if condition.severity is Severity.URGENT else said


def status_of(item: Item) -> str:
    """Since when, and whether it was told before."""
    since, over_at = instant(item.held.since), item.held.over_at
    if over_at is not None:
        return f"over: it held from {since} to {instant(over_at)}"
    again = {News.WORSE: ", now urgent", News.LASTS: ", told before"}.get(item.news, "")
    return f"since {since}{again}"


def ordered(items: Sequence[Item]) -> list[Item]:
    """What is urgent first, what is over last; then by what it is about and by kind."""
    return sorted(items, key=lambda item: (_rank(item), item.held.condition.subject, item.held.condition.key))


def by_subject(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """What each message tells in full, grouped by what it is about, the subject with the worst of it first."""
    shown = ordered(items)[:MOST_ITEMS]
    first = {item.held.condition.subject: place for place, item in reversed(list(enumerate(shown)))}
    together = sorted(shown, key=lambda item: first[item.held.condition.subject])
    for subject, group in groupby(together, key=lambda item: item.held.condition.subject):
        yield subject, list(group)


def left_out(items: Sequence[Item]) -> str | None:
    """What is said of those that are not shown."""
    more = len(items) - MOST_ITEMS
    return f"And {more} more: postback alerts status" if more > 0 else None


def plain_text(message: Message) -> str:
    """The message as plain text, each line for itself."""
    lines: list[str] = []
    for subject, items in by_subject(message.items):
        lines += [subject, "-" * len(subject)]
        for item in items:
            lines += [*_plain_item(message, item), ""]
    if more := left_out(message.items):
        lines += [more, ""]
    return "\n".join(lines)


def _plain_item(message: Message, item: Item) -> Iterator[str]:
    condition = item.held.condition
    yield f"{headline(item)} ({status_of(item)})"
    if item.news is News.OVER:
        return
    yield f"  {condition.sentence}"
    yield f"  Do:  {condition.act}"
    if link := message.link_of(item):
        yield f"  See: {link}"


def _rank(item: Item) -> int:
    if item.news is News.OVER:
        return 2
    return 0 if item.held.condition.severity is Severity.URGENT else 1
