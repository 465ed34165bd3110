"""What a channel hears of a condition, whatever comes and goes, fails and sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.alerting.condition import Condition, Severity
from postback_pipeline.alerting.course import News, is_quiet, news_for, proceed, remaining, told
from postback_pipeline.alerting.memory import Held
from postback_pipeline.settings.alerts import Alerts, Channel, ConditionKind, QuietHours

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NIGHT = QuietHours.model_validate({"from": time(22), "to": time(7), "time_zone": "Europe/London"})
REPEAT = timedelta(hours=24)
DELAY = timedelta(minutes=5)
ALERTS = Alerts(repeat_hours=24, over_after_minutes=5)
CHANNELS = {
    "all": Channel(),
    "by_day": Channel(quiet_hours=NIGHT),
    "urgent": Channel(only_urgent=True),
    "parked": Channel(conditions=(ConditionKind.PARKED,)),
}
EVERYTHING = frozenset(ConditionKind)
#: A warning, an urgent one, and one of a kind that cannot always be looked at.
KINDS = {"parked": ConditionKind.PARKED, "paused": ConditionKind.PAUSED, "stale": ConditionKind.STALE_SOURCE}


def made(kind: ConditionKind, severity: Severity = Severity.WARNING) -> Condition:
    return Condition(f"{kind}:meta", kind, "meta", f"It is {kind}.", "look", severity=severity)


@dataclass
class Team:
    """Channels that hear, and what they heard, round after round."""

    held: tuple[Held, ...] = ()
    heard: dict[tuple[str, str], list[tuple[datetime, News]]] = field(default_factory=dict)

    def round(
        self,
        now: datetime,
        present: Iterable[Condition],
        *,
        deaf: Iterable[str] = (),
        looked_for: Iterable[ConditionKind] = EVERYTHING,
        alerts: Alerts = ALERTS,
    ) -> None:
        self.held = proceed(self.held, present, set(looked_for), alerts, now)
        for name, channel in CHANNELS.items():
            items = news_for(name, channel, self.held, alerts, now)
            if items and name not in deaf:
                self.held = told(self.held, name, items, now)
                for item in items:
                    self.heard.setdefault((name, item.held.condition.key), []).append((now, item.news))
        self.held = remaining(self.held, CHANNELS)

    def news(self, name: str, key: str = "parked:meta") -> list[News]:
        return [news for _, news in self.heard.get((name, key), [])]


def wants(name: str, kind: ConditionKind) -> bool:
    channel = CHANNELS[name]
    return kind in channel.conditions and (not channel.only_urgent or kind in ALERTS.urgent)


rounds = st.lists(
    st.tuples(
        st.integers(1, 900),
        st.sets(st.sampled_from(sorted(KINDS))),
        st.sets(st.sampled_from(sorted(CHANNELS))),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(rounds)
def test_each_condition_is_told_once_per_interval_and_ended_once(
    steps: list[tuple[int, set[str], set[str], bool]],
) -> None:
    team, now = Team(), NOON
    absent_since: dict[str, datetime] = {}
    for minutes, names, deaf, blind in steps:
        now += timedelta(minutes=minutes)
        # A place that cannot be looked at shows nothing, whatever is there.
        present = names - {"stale"} if blind else names
        looked_for = EVERYTHING - {ConditionKind.STALE_SOURCE} if blind else EVERYTHING
        team.round(now, [made(KINDS[name]) for name in present], deaf=deaf, looked_for=looked_for)
        for name, kind in KINDS.items():
            if name in present:
                absent_since.pop(name, None)
            elif kind in looked_for:
                absent_since.setdefault(name, now)
            for channel in CHANNELS:
                heard = team.heard.get((channel, f"{kind}:meta"), [])
                assert wants(channel, kind) or not heard
                follows_the_rules(heard)
                asleep = channel == "by_day" and kind not in ALERTS.urgent and is_quiet(NIGHT, now)
                told_now = heard[-1][1] if heard and heard[-1][0] == now else None
                assert told_now is None or not asleep
                # What was looked for and is not there is not said to hold.
                assert told_now in (None, News.OVER) or name not in absent_since
                if wants(channel, kind) and channel not in deaf and not asleep:
                    knows_what_is(
                        heard, name in present, now - absent_since[name] if name in absent_since else None, now
                    )


def follows_the_rules(heard: list[tuple[datetime, News]]) -> None:
    """It appears, lasts at most once per interval, is over; and again from the beginning."""
    for before, after in zip([None, *heard], heard, strict=False):
        if before is None or before[1] is News.OVER:
            assert after[1] is News.APPEARED
        else:
            assert after[1] in (News.LASTS, News.OVER)
            assert after[1] is News.OVER or after[0] - before[0] >= REPEAT


def knows_what_is(heard: list[tuple[datetime, News]], holds: bool, absent_for: timedelta | None, now: datetime) -> None:
    """A channel that can be told has been, when the round ends."""
    believes = bool(heard) and heard[-1][1] is not News.OVER
    if holds:
        assert believes
        assert now - heard[-1][0] < REPEAT
    elif absent_for is not None and absent_for >= DELAY:
        assert not believes
    if heard and heard[-1] == (now, News.OVER):
        assert absent_for is not None
        assert absent_for >= DELAY


def test_what_comes_and_goes_within_minutes_is_one_condition() -> None:
    team = Team()
    for minute in range(20):
        team.round(NOON + timedelta(minutes=minute), [made(ConditionKind.PARKED)] if minute % 3 == 0 else [])
    assert team.news("all") == [News.APPEARED]
    team.round(NOON + timedelta(hours=1), [])
    assert team.news("all") == [News.APPEARED, News.OVER]
    assert team.held == ()


def test_what_becomes_urgent_is_told_at_once_and_wakes_people() -> None:
    midnight = NOON + timedelta(hours=12)
    team = Team()
    team.round(midnight - timedelta(hours=6), [made(ConditionKind.FAILED_CHECK)])
    assert (team.news("by_day", "failed_check:meta"), team.news("urgent", "failed_check:meta")) == (
        [News.APPEARED],
        [],
    )
    team.round(midnight, [made(ConditionKind.FAILED_CHECK, severity=Severity.URGENT)])
    assert team.news("by_day", "failed_check:meta") == [News.APPEARED, News.WORSE]
    assert team.news("urgent", "failed_check:meta") == [News.APPEARED]
    # What it heard of, it hears the end of, also where it is no longer urgent.
    team.round(midnight + timedelta(hours=1), [made(ConditionKind.FAILED_CHECK)])
    team.round(midnight + timedelta(hours=10), [])
    team.round(midnight + timedelta(hours=11), [])
    assert team.news("urgent", "failed_check:meta") == [News.APPEARED, News.OVER]


def test_what_began_and_ended_while_nobody_listened_is_not_told() -> None:
    team = Team()
    midnight = NOON + timedelta(hours=12)
    team.round(midnight, [made(ConditionKind.PARKED)])
    team.round(midnight + timedelta(hours=1), [])
    team.round(midnight + timedelta(hours=2), [])
    team.round(midnight + timedelta(hours=9), [])
    assert team.news("by_day") == []
    assert team.news("all") == [News.APPEARED, News.OVER]


def test_the_beginning_stays_where_what_is_counted_moves_on() -> None:
    def rejected(since: datetime) -> Condition:
        return Condition("rejected:meta", ConditionKind.REJECTED, "meta", "No.", "look", since=since)

    team = Team()
    team.round(NOON, [rejected(NOON - timedelta(hours=20))])
    team.round(NOON + timedelta(hours=10), [rejected(NOON - timedelta(hours=14))])
    (held,) = team.held
    assert held.since == NOON - timedelta(hours=20)


def test_what_is_not_asked_for_any_more_is_forgotten(condition: Callable[..., Condition]) -> None:
    team = Team()
    team.round(NOON, [condition()])
    (held,) = remaining(team.held, {"all": Channel(), "other": Channel()})
    assert set(held.told) == {"all"}
    (held,) = remaining(team.held, {"all": Channel(conditions=(ConditionKind.PAUSED,))})
    assert held.told == {}


@pytest.mark.parametrize(
    ("month", "hour", "quiet"),
    [(1, 21, False), (1, 22, True), (1, 6, True), (1, 7, False), (7, 21, True), (7, 6, False)],
)
def test_quiet_hours_follow_the_wall_clock(month: int, hour: int, quiet: bool) -> None:
    assert is_quiet(NIGHT, datetime(2026, month, 10, hour, 30, tzinfo=UTC)) is quiet


def test_quiet_hours_may_lie_within_a_day() -> None:
    lunch = QuietHours.model_validate({"from": "12:00", "to": "13:00", "time_zone": "UTC"})
    assert is_quiet(lunch, NOON)
    assert not is_quiet(lunch, NOON + timedelta(hours=1))
    assert not is_quiet(None, NOON)
