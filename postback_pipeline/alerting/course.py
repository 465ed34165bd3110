"""The course of a condition: it appears, lasts, grows worse, is over; and what of that a channel hears.

Belongs here: pure rules about time. Does not belong here: looking, sending, the words.

A channel hears of a condition once when it appears, once more when it becomes urgent, again every `repeat_hours` while
it lasts, and once when it is over, if it had heard of it. What a channel was not told, since it failed or had quiet
hours, is told by the next round that may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from postback_pipeline.alerting.condition import Condition, Severity
from postback_pipeline.alerting.memory import Held, Told
from postback_pipeline.settings.alerts import Alerts, Channel, ConditionKind, QuietHours


class News(StrEnum):
    """What a channel hears about a condition."""

    APPEARED = "appeared"
    WORSE = "worse"
    """It has become urgent."""
    LASTS = "lasts"
    """Told before, and it still holds."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Item:
    """One condition in a message."""

    news: News
    held: Held
    #: How often the message's channel was told of it before.
    times: int = 0


def proceed(
    held: Iterable[Held],
    seen: Iterable[Condition],
    looked_for: Collection[ConditionKind],
    alerts: Alerts,
    now: datetime,
) -> tuple[Held, ...]:
    """What holds after a look.

    Args:
        held: what held before.
        seen: every condition that was seen.
        looked_for: kinds that were looked for; what holds of other kinds goes on, seen or not.
        alerts: the settings.
        now: aware UTC.
    """
    before = {each.condition.key: each for each in held}
    present = {condition.key: _judged(condition, alerts) for condition in seen}
    after = [_seen(before.get(key), condition, now) for key, condition in present.items()]
    for key, each in before.items():
        if key not in present:
            is_absent = each.condition.kind in looked_for and each.absent_since is None
            after.append(replace(each, absent_since=now) if is_absent else each)
    delay = timedelta(minutes=alerts.over_after_minutes)
    return tuple(_ended(each, delay, now) for each in sorted(after, key=lambda each: each.condition.key))


def news_for(name: str, channel: Channel, held: Iterable[Held], alerts: Alerts, now: datetime) -> tuple[Item, ...]:
    """What this channel should be told now."""
    quiet = is_quiet(channel.quiet_hours or alerts.quiet_hours, now)
    found = []
    for each in held:
        urgent = each.condition.severity is Severity.URGENT
        # What it heard of, it hears the end of.
        matters = urgent or not channel.only_urgent or each.over_at is not None
        if matters and (urgent or not quiet) and is_for(name, channel, each.condition):
            before = each.told.get(name)
            news = _news(each, before, timedelta(hours=alerts.repeat_hours), now)
            if news is not None:
                found.append(Item(news, each, before.times if before else 0))
    return tuple(found)


def is_for(name: str, channel: Channel, condition: Condition) -> bool:
    """Whether a channel is told of conditions of this kind; none hears that it cannot hear."""
    is_itself = condition.kind is ConditionKind.CHANNEL_DOWN and condition.subject == name
    return condition.kind in channel.conditions and not is_itself


def told(held: Iterable[Held], name: str, items: Iterable[Item], now: datetime) -> tuple[Held, ...]:
    """What holds, after the channel was told these items."""
    heard = {item.held.condition.key for item in items}
    return tuple(_heard(each, name, now) if each.condition.key in heard else each for each in held)


def remaining(held: Iterable[Held], channels: Mapping[str, Channel]) -> tuple[Held, ...]:
    """Without what is over and nobody waits to hear so, and without channels that are gone or want it no more."""
    kept = []
    for each in held:
        waiting = {
            name: told
            for name, told in each.told.items()
            if name in channels and is_for(name, channels[name], each.condition)
        }
        if each.over_at is None or waiting:
            kept.append(replace(each, told=waiting))
    return tuple(kept)


def is_quiet(hours: QuietHours | None, now: datetime) -> bool:
    """Whether an instant lies in these hours, by their own wall clock."""
    if hours is None:
        return False
    clock = now.astimezone(ZoneInfo(hours.time_zone)).time()
    if hours.start <= hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


def _judged(condition: Condition, alerts: Alerts) -> Condition:
    return replace(condition, severity=Severity.URGENT) if condition.kind in alerts.urgent else condition


def _seen(before: Held | None, condition: Condition, now: datetime) -> Held:
    since = condition.since or now
    if before is None:
        return Held(condition, since, now)
    if before.over_at is None:
        # What counts for so many hours only would seem to begin anew again and again.
        since = min(since, before.since)
    return Held(condition, since, now, told=before.told)


def _ended(each: Held, delay: timedelta, now: datetime) -> Held:
    if each.over_at is None and each.absent_since is not None and now - each.absent_since >= delay:
        return replace(each, over_at=each.absent_since)
    return each


def _news(each: Held, before: Told | None, repeat: timedelta, now: datetime) -> News | None:
    if each.over_at is not None:
        return News.OVER if before else None
    if each.absent_since is not None:
        # It may be over, or come back: the next rounds will tell.
        return None
    if before is None:
        return News.APPEARED
    if each.condition.severity is Severity.URGENT and before.severity is not Severity.URGENT:
        return News.WORSE
    return News.LASTS if now - before.at >= repeat else None


def _heard(each: Held, name: str, now: datetime) -> Held:
    others = {channel: told for channel, told in each.told.items() if channel != name}
    if each.over_at is not None:
        return replace(each, told=others)
    before = each.told.get(name)
    times = before.times + 1 if before else 1
    return replace(each, told={**others, name: Told(now, each.condition.severity, times)})
