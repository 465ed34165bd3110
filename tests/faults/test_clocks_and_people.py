"""Rows 22, 40 and 41 of the failure matrix: clocks that step back or change their offset, leases, people who repeat."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from postback_pipeline.ledger import Claim, Ledger, LedgerUnavailable, Reported, Selection
from postback_pipeline.model import Outcome, Resolution, State
from postback_pipeline.settings import Guard
from tests.delivery.lines import NAME, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Changing, Receiver, ok, replying, reset
from tests.faults.played import Play, play

ANN, WHY = "ann", "asked the receiver"


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=-1)])
def test_row_22_a_clock_that_steps_back_sends_nothing_early_and_nothing_twice(
    any_ledger: Ledger, clock: Clock, step: timedelta
) -> None:
    answer = Changing(replying(503))

    async def acts(begun: Play) -> None:
        begun.fill(2)
        await begun.drain()
        answer.answer = ok
        clock.forward(days=step.days, seconds=step.seconds)
        await begun.drain(3)
        assert len(begun.book.hits) == 2, "their retries are due by the clock that gave them their instant"
        clock.forward(days=2)
        await begun.drain(2, hours=3)
        assert begun.states == [State.ACCEPTED] * 2
        begun.account(2)

    play(answer, any_ledger, clock, acts, options="retry = { first_seconds = 600 }\n")


def test_row_22_a_clock_that_jumps_ahead_under_a_drain_sends_nothing_twice(any_ledger: Ledger, clock: Clock) -> None:
    """The jump makes leases look as if they had run out: others take over, and the first one's word comes late."""

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 2:
            clock.forward(days=1)
            any_ledger.sweep(NAME, begun_line[0].rules)
        return web.Response(text="OK")

    begun_line: list[Line] = []

    async def acts(begun: Play) -> None:
        begun_line.append(begun.line)
        begun.fill(6)
        await begun.drain(3, minutes=5)
        assert set(begun.states) <= {State.ACCEPTED, State.PARKED}
        assert len(begun.book.hits) == len(set(begun.book.keys))
        begun.account(6)

    play(answer, any_ledger, clock, acts, options="concurrency = 2\n")


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    """This process believes to be in a time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


#: The night in which the local clock is put back, by an hour unless nothing is put back at all; a day of 23 hours too.
NIGHTS = {
    "Europe/Berlin": [(2025, 10, 26), (2026, 3, 29)],
    "America/Sao_Paulo": [(2018, 2, 18), (2018, 11, 4)],
    "Asia/Kolkata": [(2026, 3, 29)],
}


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in NIGHTS.items() for day in days])
def test_row_22_windows_open_and_close_at_their_instants_on_days_of_23_and_25_hours(
    any_ledger: Ledger, clock: Clock, zone: str, day: tuple[int, int, int]
) -> None:
    midnight = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    instants = [midnight + timedelta(minutes=30 * step) for step in range(-8, 12)]

    async def acts(begun: Play) -> None:
        start = instants[0] - timedelta(hours=1)
        clock.forward(seconds=(start - clock()).total_seconds())
        # Each may leave for twenty minutes, and for no instant more.
        begun.line.enqueue(
            *(
                desired(number, not_before=at, expires_at=at + timedelta(minutes=20))
                for number, at in enumerate(instants)
            )
        )
        for number, at in enumerate(instants):
            clock.forward(seconds=(at - timedelta(minutes=2) - clock()).total_seconds())
            await begun.drain()
            assert len(begun.book.hits) == (number + 1) // 2
            # Every other one is looked at in its window, the rest when it has just closed.
            later = timedelta(minutes=1) if number % 2 == 0 else timedelta(minutes=21)
            clock.forward(seconds=(at + later - clock()).total_seconds())
            await begun.drain()
        in_order = sorted(begun.stories, key=lambda story: int(story.transaction_id.removeprefix("order-")))
        assert [story.due_at for story in in_order] == instants
        assert [story.state for story in in_order] == [State.ACCEPTED, State.EXPIRED] * 10
        begun.account(20)

    with local_time(zone):
        play(ok, any_ledger, clock, acts)


class Unrenewed:
    """A ledger that hands out claims and renews none of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.refusals = 0
        #: Key of a postback -> when its newest claim was asked for. Monotonic seconds.
        self.claimed_at: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def as_ledger(self) -> Ledger:
        """It does all else that a ledger does."""
        return cast(Ledger, self)

    def claim(self, *args: Any, **options: Any) -> list[Claim]:
        """Notes when."""
        asked_at = time.monotonic()
        claims = self._ledger.claim(*args, **options)
        self.claimed_at.update({claim.key: asked_at for claim in claims})
        return claims

    def renew(self, *_: object) -> list[Claim]:
        """Fails."""
        self.refusals += 1
        raise LedgerUnavailable("The database went away.")


def test_row_41_a_drain_whose_renewals_fail_gives_back_what_its_leases_no_longer_cover(
    any_ledger: Ledger, clock: Clock
) -> None:
    """The clocks are real here. At its rate the drain would be at its claims for longer than their lease."""
    unrenewed = Unrenewed(any_ledger)
    #: For each request, how old its claim was. Seconds.
    ages: list[float] = []

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        key = json.loads(receiver.hits[-1].body)["key"]
        ages.append(time.monotonic() - unrenewed.claimed_at[key])
        return web.Response()

    async def acts(begun: Play) -> None:
        begun.fill(8)
        await begun.drain()
        assert unrenewed.refusals > 0
        assert begun.reports[-1].released > 0
        assert max(ages) < 1
        assert begun.states == [State.ACCEPTED] * 8
        assert len(begun.book.hits) == 8
        begun.account(8)

    options = "rate = 5\nconcurrency = 1\ndeadline_seconds = 0.6\n"
    play(answer, unrenewed.as_ledger(), clock, acts, kind=WEBHOOK, options=options, lease_seconds=1.0)


def replay(ledger: Ledger, *, force: bool = False) -> int:
    """What a person types; how many it changed."""
    return len(ledger.replay(Selection(destination=NAME), actor=ANN, reason=WHY, force=force).changed)


def test_row_40_a_replay_repeated_is_one_replay(any_ledger: Ledger, clock: Clock) -> None:
    answer = Changing(replying(400))

    async def acts(begun: Play) -> None:
        begun.fill(3)
        await begun.drain()
        assert begun.states == [State.REJECTED] * 3
        answer.answer = ok
        assert [replay(any_ledger) for _ in range(3)] == [3, 0, 0]
        await begun.drain()
        assert begun.states == [State.ACCEPTED] * 3
        assert [[attempt.outcome for attempt in story.attempts] for story in begun.stories] == [
            [Outcome.REJECTED, Outcome.ACCEPTED]
        ] * 3
        begun.account(3)

    play(answer, any_ledger, clock, acts)


def test_row_40_what_was_accepted_is_replayed_by_force_only_and_as_a_new_revision(
    any_ledger: Ledger, clock: Clock
) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(2)
        await begun.drain()
        assert replay(any_ledger) == 0
        await begun.drain()
        assert len(begun.book.hits) == 2
        assert [replay(any_ledger, force=True) for _ in range(2)] == [2, 0]
        await begun.drain(2)
        assert sorted((story.conversion_key, story.revision) for story in begun.stories) == [
            (f"purchase:order-{number}", revision) for number in range(2) for revision in (1, 2)
        ]
        assert len(begun.receiver.hits) == 4
        # The element is the first one's, so its key is, too: the receiver can tell that it was said twice.
        assert sorted(begun.book.keys) == sorted([*begun.book.keys[:2]] * 2)

    play(ok, any_ledger, clock, acts)


Step = Callable[[Ledger, Selection], object]

#: What a person can do to postbacks, and where that leads.
TO_POSTBACKS: dict[str, tuple[Step, State]] = {
    "resolve accepted": (
        lambda ledger, these: ledger.resolve(these, Resolution.ACCEPTED, actor=ANN, reason=WHY),
        State.ACCEPTED,
    ),
    "resolve rejected": (
        lambda ledger, these: ledger.resolve(these, Resolution.REJECTED, actor=ANN, reason=WHY),
        State.REJECTED,
    ),
    "resolve resend": (
        lambda ledger, these: ledger.resolve(these, Resolution.RESEND, actor=ANN, reason=WHY),
        State.PENDING,
    ),
    "replay": (lambda ledger, these: ledger.replay(these, actor=ANN, reason=WHY), State.PENDING),
    "cancel": (lambda ledger, these: ledger.cancel(these, actor=ANN, reason=WHY), State.CANCELLED),
}


@pytest.mark.parametrize("step", TO_POSTBACKS)
def test_row_40_every_step_of_a_person_is_kept_with_name_and_reason(
    any_ledger: Ledger, clock: Clock, step: str
) -> None:
    take, state = TO_POSTBACKS[step]

    async def acts(begun: Play) -> None:
        begun.fill(1)
        # Only what has not left can be taken back; everything else is about what may have left.
        if step != "cancel":
            await begun.drain()
        (story,) = begun.stories
        assert story.state is (State.PENDING if step == "cancel" else State.PARKED)
        take(any_ledger, Selection(ids=[story.postback_id]))
        (story,) = begun.stories
        assert story.state is state
        assert (story.history[-1].actor, story.history[-1].reason) == (ANN, WHY)
        assert actions(any_ledger)[-1] == (step.split()[0], ANN, WHY)

    play(reset, any_ledger, clock, acts)


def test_row_40_every_step_about_more_than_that_is_kept_with_name_and_reason(
    any_ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    line = line_at("http://127.0.0.1:9", any_ledger, clock)
    row, guard = desired(1), Guard(minimum=0)
    report = any_ledger.enqueue(NAME, [row], rules=line.rules, render=line.destination.render, guard=guard)
    assert report.stopped_by is not None
    any_ledger.approve(report.stopped_by.id, actor=ANN, reason=WHY)
    any_ledger.pause(NAME, actor=ANN, reason=WHY)
    any_ledger.resume(NAME, actor=ANN, reason=WHY)
    told = Reported(NAME, "purchase:told", "purchase", Decimal(5), "EUR", "told", datetime(2026, 1, 1, tzinfo=UTC))
    any_ledger.import_reported([told], actor=ANN, reason=WHY)
    any_ledger.adopt({NAME: line.rules}, mark=tmp_path / "ledger_mark.json", unnoticed=True, actor=ANN, reason=WHY)
    commands = ("approve", "pause", "resume", "import", "adopt")
    assert actions(any_ledger) == [(command, ANN, WHY) for command in commands]


def actions(ledger: Ledger) -> list[tuple[str, str, str]]:
    """Command, name and reason of every step that somebody took, oldest first."""
    with ledger._database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT command, actor, reason FROM actions ORDER BY id").all()
    return [(str(command), str(actor), str(reason)) for command, actor, reason in rows]


def test_row_40_a_replay_that_nobody_signs_does_nothing(any_ledger: Ledger, clock: Clock) -> None:
    async def acts(begun: Play) -> None:
        begun.fill(1)
        await begun.drain()
        with pytest.raises(Exception, match="name and a reason"):
            any_ledger.replay(Selection(destination=NAME), actor="", reason="")
        assert begun.states == [State.REJECTED]

    play(replying(400), any_ledger, clock, acts)
