"""One round: look everywhere, see what became of what held, tell the channels, remember.

Belongs here: the order of these steps, and what is known when one fails. Does not belong here: any of them.

A message that may have arrived, and was not confirmed, is sent again: somebody may hear of something twice, and never
not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postback_pipeline.alerting.condition import Condition, Place, Seen
from postback_pipeline.alerting.course import Item, news_for, proceed, remaining, told
from postback_pipeline.alerting.memory import ChannelMemory, Memory, remembering
from postback_pipeline.alerting.message import Message
from postback_pipeline.alerting.telling import tell
from postback_pipeline.alerting.wording import counted, instant, shortened
from postback_pipeline.model import PostbackError
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind

#: Tries that fail one after the other, from which on the other channels hear of it: one alone may be a hiccup.
_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Report:
    """What a round did."""

    at: datetime
    memory: Memory
    #: Channel -> what it was told.
    sent: Mapping[str, Sequence[Item]]
    #: Channel -> why it could not be told.
    failed: Mapping[str, str]
    #: What could not be looked at -> why.
    blind: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """The whole of it in a line."""
        holds = sum(held.over_at is None for held in self.memory.held)
        sent = [f"told {name} of {counted(len(items), 'change')}" for name, items in self.sent.items()]
        failed = [f"could not tell {name}: {why.rstrip('.')}" for name, why in self.failed.items()]
        blind = [f"could not look at {name}: {why.rstrip('.')}" for name, why in self.blind.items()]
        first = f"{counted(holds, 'condition')} hold{'s' if holds == 1 else ''}"
        return "; ".join([first, *sent, *failed, *blind]) + "."


def run_round(settings: Settings, places: Sequence[Place], environ: Mapping[str, str], now: datetime) -> Report:
    """Looks, tells, remembers; alone at a time.

    Args:
        settings: the deployment's.
        places: what to look at.
        environ: where channels' secrets are read.
        now: aware UTC.

    Raises:
        AnotherRound: another process is at it.
        AlertError: the memory cannot be used. Nothing was told.
    """
    alerts = settings.alerts
    with remembering(settings.alert_memory_path) as opened:
        memory = opened.memory
        named = hashlib.sha256(f"{alerts.model_dump_json()}{_declared(settings)}".encode()).hexdigest()[:16]
        looked = _Look(memory, {} if memory.settings != named else memory.marks)
        for place in places:
            looked.at(place)
        looked.at_channels([*alerts.channels])
        held = proceed(memory.held, looked.conditions, looked.kinds, alerts, now)
        news = {name: news_for(name, channel, held, alerts, now) for name, channel in alerts.channels.items()}
        messages = {
            name: Message(settings.environment, now, items, alerts.ui_url) for name, items in news.items() if items
        }
        failures = tell(messages, alerts.channels, environ)
        sent = {name: news[name] for name, why in failures.items() if why is None}
        for name, items in sent.items():
            held = told(held, name, items, now)
        opened.keep(
            Memory(
                looked_at=now,
                settings=named,
                marks=looked.marks,
                held=remaining(held, alerts.channels),
                channels={
                    name: _went(memory.channels.get(name, ChannelMemory()), failures[name], now)
                    if name in failures
                    else memory.channels.get(name, ChannelMemory())
                    for name in alerts.channels
                },
            )
        )
        failed = {name: why for name, why in failures.items() if why is not None}
        return Report(now, opened.memory, sent, failed, looked.blind)


class _Look:
    """What was seen so far in this round."""

    def __init__(self, memory: Memory, marks: Mapping[str, str]) -> None:
        self._memory = memory
        self._before = marks
        self.marks: dict[str, str] = {}
        self.conditions: list[Condition] = []
        self.blind: dict[str, str] = {}
        #: All kinds that were looked for; what is looked for nowhere any more is over.
        self.kinds = set(ConditionKind)

    def at(self, place: Place) -> None:
        """Looks at a place. Where that fails nothing is known, which is a condition of its own."""
        mark = self._before.get(place.name, "")
        try:
            seen = place.look(mark)
        except Exception as error:
            # Our own errors are sentences; of others the text may hold anything.
            why = shortened(str(error), 300) if isinstance(error, PostbackError) else f"{type(error).__name__}."
            self.blind[place.name] = why
            self.conditions.append(_blind(place, why))
            self.kinds -= place.kinds
        else:
            self._note(place, mark, seen)

    def _note(self, place: Place, mark: str, seen: Seen | None) -> None:
        if seen is None:
            self.kinds -= place.kinds
            self.marks[place.name] = mark
            return
        self.conditions += seen.conditions
        self.marks[place.name] = seen.mark

    def at_channels(self, names: Sequence[str]) -> None:
        """Adds the channels that the last rounds could not tell."""
        for name in names:
            before = self._memory.channels.get(name, ChannelMemory())
            if before.failing_since is not None and before.failures >= _FAILURES:
                self.conditions.append(_channel_down(name, before, before.failing_since))


def _went(before: ChannelMemory, error: str | None, now: datetime) -> ChannelMemory:
    if error is None:
        return ChannelMemory(sent_at=now)
    return replace(
        before, failing_since=before.failing_since or now, failures=before.failures + 1, error=shortened(error, 300)
    )


def _declared(settings: Settings) -> str:
    """What sources declare about themselves, which conditions hang on as well."""
    return repr([(name, source.stale_after_hours) for name, source in settings.sources.items()])


def _blind(place: Place, why: str) -> Condition:
    return Condition(
        key=f"blind:{place.name}",
        kind=ConditionKind.BLIND,
        subject=place.name,
        sentence=f"The {place.name} could not be looked at, so nothing is known of it: {why}",
        act=place.act,
    )


def _channel_down(name: str, before: ChannelMemory, since: datetime) -> Condition:
    return Condition(
        key=f"channel_down:{name}",
        kind=ConditionKind.CHANNEL_DOWN,
        subject=f"{name}",
        sentence=f"Channel {name} could not be told since {instant(since)}, in {before.failures} tries:"
        f" {before.error or ''}",
        act=f"postback alerts test {name}",
        since=since,
        figures={"failures": before.failures},
    )
