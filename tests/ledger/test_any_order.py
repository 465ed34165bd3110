"""Whatever happens in whatever order: revisions, order, rates and reported values hold, and it all converges."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postback_pipeline.ledger import (
    Claim,
    Result,
    Rules,
    Selection,
    Story,
    open_ledger,
)
from postback_pipeline.ledger.drains import BEAT_LAPSE
from postback_pipeline.ledger.receipts import LONGEST
from postback_pipeline.model import Desired, Facts, Kind, Later, Outcome, Postback, Resolution, State
from postback_pipeline.settings import Guard

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = ("purchase:1", "purchase:2")
WORTHS = (Decimal("0"), Decimal("5"), Decimal("10"))
FINAL = {State.ACCEPTED, State.PROCESSED, State.REJECTED, State.SUPERSEDED, State.CANCELLED, State.EXPIRED}
REPORTED = {State.ACCEPTED, State.PROCESSED}
NOBODY: dict[str, Any] = {"actor": "ann", "reason": "trying"}


def element(postback: Postback) -> str:
    return postback.key


class AnyOrder(RuleBasedStateMachine):
    """A warehouse, workers, a receiver, time and people, each doing what they like."""

    #: An empty ledger; copying it is faster than making one.
    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.template.parent))
        self.now = NOON
        url = f"sqlite:///{shutil.copyfile(self.template, self.folder / 'ledger.sqlite')}"
        self.ledger = open_ledger(url, "test", clock=lambda: self.now)
        #: In the conversions' own currency, of which one is worth so much in the destination's today.
        self.wanted: dict[str, Decimal] = {}
        self.rate = Decimal("1.08")
        #: The warehouse's copy of the ledger: newest revisions and settled rates as of its last look.
        self.copied: dict[str, int] = {}
        self.copied_rates: dict[str, Decimal] = {}
        #: What the receiver accepted, as far as workers and people told the ledger.
        self.accepted: dict[str, Decimal] = {}
        self.claims: list[Claim] = []
        #: Leases that were given out and have not ended, by token.
        self.leases: dict[str, datetime] = {}
        #: The destination's breaker and turns, and the drains at work.
        self.trips = 0
        self.not_before = NOON
        self.next_turn_at = NOON
        self.beats: dict[str, datetime] = {}

    @initialize(deduplicates=st.booleans(), judges_later=st.booleans())
    def choose_receiver(self, deduplicates: bool, judges_later: bool) -> None:
        self.receiver = Rules(
            restatement=True,
            retraction=True,
            reinstatement=True,
            deduplicates=deduplicates,
            dedup_window=timedelta(hours=30),
            judges_later=judges_later,
            max_attempts=3,
        )

    # The warehouse.

    @rule(key=st.sampled_from(KEYS), value=st.sampled_from(["0", "5.00", "10.00"]))
    def value_changes(self, key: str, value: str) -> None:
        self.wanted[key] = Decimal(value)

    @rule(rate=st.sampled_from(["1.08", "1.1", "0.95"]))
    def rates_change(self, rate: str) -> None:
        self.rate = Decimal(rate)

    @rule()
    def look_at_ledger(self) -> None:
        self.copied = {key: self.stories(key)[-1].revision for key in KEYS if self.stories(key)}
        self.copied_rates = {key: rate for key in KEYS if (rate := self.settled_rate(key))}

    @rule()
    def build(self) -> None:
        self.enqueue()

    @rule()
    def rebuild_from_nothing(self) -> None:
        self.look_at_ledger()
        self.enqueue()
        self.look_at_ledger()
        before = self.histories()
        assert self.enqueue() == 0
        assert self.histories() == before

    def enqueue(self) -> int:
        rows = [self.desired(key, value) for key, value in self.wanted.items()]
        report = self.ledger.enqueue("meta", rows, rules=self.receiver, render=element, guard=Guard())
        assert report.rows == len(rows)
        return report.inserted

    def desired(self, key: str, wanted: Decimal) -> Desired:
        rate = self.copied_rates.get(key, self.rate)
        value = wanted * rate
        return Desired(
            destination="meta",
            conversion_key=key,
            event_name="purchase",
            desired_value=value,
            currency="GBP",
            fingerprint=f"{value:.4f} GBP",
            computed_against=self.copied.get(key, 0),
            reason_code="reported",
            facts=Facts("Purchase", None, key, NOON, NOON, None, None, exchange_rate=rate),
            expires_at=NOON + timedelta(days=60),
        )

    # Workers and the receiver.

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        under_way = [until for until in self.leases.values() if until > self.now]
        claims = self.ledger.claim("meta", limit, lease_seconds=60, owner="w", rules=self.receiver)
        if self.now < self.not_before or (self.trips and under_way):
            assert claims == []
        assert len(claims) <= (1 if self.trips else limit)
        self.leases |= {claim.token: claim.lease_until for claim in claims}
        for claim in claims:
            before = self.accepted.get(claim.conversion_key)
            assert (claim.kind is Kind.CONVERSION) == (before is None)
            assert self.stories(claim.conversion_key)[-1].previous_value == before
            assert not [held for held in self.claims if held.token == claim.token]
        self.claims += claims

    @precondition(lambda self: self.claims)
    @rule(
        which=st.integers(0, 5),
        outcome=st.sampled_from(Outcome),
        final=st.booleans(),
        duplicate=st.sampled_from([False, False, True]),
    )
    def attempt_ends(self, which: int, outcome: Outcome, final: bool, duplicate: bool) -> None:
        claim = self.claims.pop(which % len(self.claims))
        self.end(claim, outcome, final=final, duplicate=duplicate and outcome is Outcome.ACCEPTED)

    def end(self, claim: Claim, outcome: Outcome, **more: Any) -> None:
        state = self.story(claim).state
        if self.receiver.judges_later and outcome is Outcome.ACCEPTED:
            more["receipt"] = claim.key
        result = Result(claim.postback_id, claim.token, outcome, self.now, **more)
        recorded = self.ledger.record([result], rules=self.receiver)
        self.leases.pop(claim.token, None)
        assert (recorded.paused, recorded.trips) == (False, self.trips)
        assert (recorded.not_before or NOON) == self.not_before
        after = self.story(claim).state
        if recorded.late:
            assert after is state
        elif after is State.ACCEPTED:
            self.note_accepted(claim.postback_id)

    @precondition(lambda self: self.claims)
    @rule()
    def worker_stops(self) -> None:
        claim = self.claims.pop()
        self.leases.pop(claim.token, None)
        self.ledger.release([claim])

    @precondition(lambda self: self.claims)
    @rule()
    def worker_dies(self) -> None:
        self.claims.pop()

    @precondition(lambda self: self.claims)
    @rule(some=st.integers(1, 3))
    def batch_is_refused_as_a_whole(self, some: int) -> None:
        batch, self.claims = self.claims[:some], self.claims[some:]
        before = {claim.postback_id: self.story(claim) for claim in batch}
        results = [Result(claim.postback_id, claim.token, Outcome.REJECTED, self.now, final=False) for claim in batch]
        again = self.ledger.reattempt(results, batch, lease_seconds=60)
        for claim in batch:
            self.leases.pop(claim.token, None)
        for claim in again:
            (old,) = [each for each in batch if each.postback_id == claim.postback_id]
            assert (claim.attempt, claim.key, claim.element) == (old.attempt + 1, old.key, old.element)
            assert self.story(claim).attempts[-2].outcome is Outcome.REJECTED
        # Those whose lease was lost stay as they were.
        lost = {claim.postback_id for claim in batch} - {claim.postback_id for claim in again}
        for postback_id in lost:
            (story,) = self.ledger.inspect(postback_id)
            assert story.state is before[postback_id].state
        self.leases |= {claim.token: claim.lease_until for claim in again}
        self.claims += again

    @rule()
    def breaker_opens(self) -> None:
        until = self.ledger.trip("meta", "failing", rules=self.receiver)
        if not self.trips or self.now >= self.not_before:
            self.trips += 1
            assert until >= self.now + timedelta(seconds=self.receiver.retry_first_seconds / 2)
        assert until >= self.not_before
        self.not_before = until

    @rule()
    def receiver_recovers(self) -> None:
        self.ledger.recover("meta")
        self.trips = 0

    @rule(count=st.integers(1, 5))
    def turns_are_taken(self, count: int) -> None:
        first = self.ledger.take_turns("meta", count, 2.0)
        assert first == max(self.now, self.next_turn_at)
        self.next_turn_at = first + timedelta(seconds=count / 2)

    @rule(owner=st.sampled_from(["run-1", "run-2"]), stops=st.booleans())
    def drain_says_so(self, owner: str, stops: bool) -> None:
        if stops:
            self.ledger.leave("meta", owner)
            self.beats.pop(owner, None)
        else:
            self.ledger.beat("meta", owner)
            self.beats[owner] = self.now
        assert self.ledger.due(["meta"])["meta"].working == any(
            self.now - seen < BEAT_LAPSE for seen in self.beats.values()
        )

    @precondition(lambda self: self.receiver.judges_later)
    @rule(later=st.sampled_from(Later))
    def receiver_judges(self, later: Later) -> None:
        for inquiry in self.ledger.inquiries("meta", 100):
            moved = self.ledger.heed(inquiry.receipt_id, later, "verdict")
            assert moved == 1 or later in (Later.PENDING, Later.NOT_FOUND)
        if later is Later.REJECTED:
            self.forget_refused()

    @rule(hours=st.sampled_from([0.1, 2, 40]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def sweep(self) -> None:
        self.ledger.sweep("meta", self.receiver)

    # People.

    @rule(resolution=st.sampled_from(Resolution))
    def somebody_resolves(self, resolution: Resolution) -> None:
        for story in self.all_stories():
            if story.state is State.PARKED:
                self.ledger.resolve(Selection(ids=[story.postback_id]), resolution, **NOBODY)
                if resolution is Resolution.ACCEPTED:
                    self.note_accepted(story.postback_id)

    @rule(key=st.sampled_from(KEYS), force=st.booleans())
    def somebody_replays(self, key: str, force: bool) -> None:
        # A forced replay of something accepted says the same once more; the model of the receiver knows no such thing.
        states = [State.REJECTED, State.EXPIRED, State.PARKED, State.CANCELLED]
        self.ledger.replay(Selection(conversion_keys=[key], states=states), force=force, **NOBODY)

    @rule(key=st.sampled_from(KEYS))
    def somebody_cancels(self, key: str) -> None:
        self.ledger.cancel(Selection(conversion_keys=[key]), **NOBODY)

    # What always holds.

    @invariant()
    def everything_is_in_order(self) -> None:
        for key in KEYS:
            stories = self.stories(key)
            # Revisions are numbered without gaps, and only the newest one may be open.
            assert [story.revision for story in stories] == list(range(1, len(stories) + 1))
            assert [story for story in stories[:-1] if story.state not in FINAL] == []
            # The first claim settles the rate, and every value is one of the conversion's at its revision's rate.
            settled = next((number for number, story in enumerate(stories) if story.attempts), len(stories))
            assert len({story.exchange_rate for story in stories[settled:]}) <= 1
            assert all(story.exchange_rate and story.value / story.exchange_rate in WORTHS for story in stories)
            # The newest accepted revision is what was reported.
            reported = [story.value for story in stories if story.state in REPORTED]
            assert (reported[-1] if reported else None) == self.accepted.get(key)
            for story in stories:
                # Every attempt is told once, and only the last one may be under way.
                assert [attempt.number for attempt in story.attempts] == list(range(1, len(story.attempts) + 1))
                assert (story.state is State.SENDING) == any(attempt.outcome is None for attempt in story.attempts)
                # The history tells the states.
                afters = [change.to_state for change in story.history]
                assert [change.from_state for change in story.history] == [None, *afters[:-1]]
                assert afters[-1] is story.state

    def teardown(self) -> None:
        """With workers that work and a receiver that takes everything, the receiver believes what is wanted."""
        try:
            if hasattr(self, "receiver"):
                self.converge()
        finally:
            self.ledger.close()
            shutil.rmtree(self.folder)

    def converge(self) -> None:
        self.receiver_recovers()
        self.now += timedelta(hours=1)
        self.sweep()
        for _ in range(5):
            self.somebody_resolves(Resolution.ACCEPTED)
            states = [State.REJECTED, State.EXPIRED, State.CANCELLED]
            self.ledger.replay(Selection(conversion_keys=KEYS, states=states), actor="ann", reason="trying")
            self.look_at_ledger()
            self.enqueue()
            self.now += timedelta(hours=2)
            for claim in self.ledger.claim("meta", 10, lease_seconds=60, owner="w", rules=self.receiver):
                self.end(claim, Outcome.ACCEPTED)
            if self.receiver.judges_later:
                self.now += LONGEST
                self.receiver_judges(Later.PROCESSED)
            self.sweep()
        for key, wanted in self.wanted.items():
            assert self.accepted.get(key, Decimal(0)) == wanted * (self.settled_rate(key) or 0)

    # Looking.

    def stories(self, key: str) -> list[Story]:
        return self.ledger.inspect(key)

    def story(self, claim: Claim) -> Story:
        (story,) = self.ledger.inspect(claim.postback_id)
        return story

    def settled_rate(self, key: str) -> Decimal | None:
        """The rate of what was claimed or reported last; None before that."""
        settled = [story.exchange_rate for story in self.stories(key) if story.attempts or story.state in REPORTED]
        return settled[-1] if settled else None

    def all_stories(self) -> Iterator[Story]:
        return (story for key in KEYS for story in self.stories(key))

    def histories(self) -> list[dict[str, Any]]:
        return [row for rows in self.ledger.history(0) for row in rows]

    def note_accepted(self, postback_id: int) -> None:
        (story,) = self.ledger.inspect(postback_id)
        self.accepted[story.conversion_key] = story.value

    def forget_refused(self) -> None:
        for key in KEYS:
            reported = [story.value for story in self.stories(key) if story.state in REPORTED]
            if reported:
                self.accepted[key] = reported[-1]
            else:
                self.accepted.pop(key, None)


@pytest.fixture(autouse=True)
def template(sqlite_template: Path) -> None:
    AnyOrder.template = sqlite_template


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
