"""What becomes of a postback when an attempt ends: the state machine, as a pure function.

Belongs here: the transition out of `sending`. Does not belong here: reading or writing anything, the clock, chance.

    accepted                          -> accepted
    "duplicate", earlier unknown      -> accepted     (that attempt of ours was taken)
    "duplicate", none unknown         -> parked       `conflict`: we cannot tell whose message the receiver holds
    rejected for good                 -> rejected
    rejected for now, or not sent     -> retry, or when the round's budget is spent
                                         -> expired `attempts_exhausted`, or parked if an attempt was unknown
    unknown                           -> unknown, and at once
                                         -> retry   where the receiver deduplicates and its window is open
                                         -> parked  elsewhere, or when the budget is spent
    released (no byte was sent, or    -> where it was claimed from
      the set-up was refused)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import Result
from postback_pipeline.model import Outcome, State

#: Reasons that the ledger itself gives; a receiver's own stand beside them.
ATTEMPTS_EXHAUSTED = "attempts_exhausted"
CONFLICT = "conflict"
DUPLICATE = "duplicate"
DEDUPLICATED = "receiver_deduplicates"
NOT_DEDUPLICATED = "receiver_does_not_deduplicate"
DEDUP_WINDOW_CLOSED = "deduplication_window_closed"
WINDOW_CLOSED = "window_closed"
LEASE_EXPIRED = "lease_expired"
RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts about a postback while it is being sent."""

    #: Earlier attempts with an unknown fate, this one not among them.
    unknown_attempts: int
    #: Attempts of this round, this one among them, and when its first one was claimed.
    round_attempts: int
    round_started_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state."""

    to_state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Transition:
    """What an attempt's end makes of its postback."""

    #: How the attempt is recorded: a duplicate that is a conflict is the receiver's no.
    outcome: Outcome
    #: One or two steps; the first one is the attempt's, the second one the ledger's consequence.
    steps: tuple[Step, ...]
    #: When a retry is due; None for other states.
    due_at: datetime | None = None

    @property
    def state(self) -> State:
        """Where the postback ends up."""
        return self.steps[-1].to_state


def after_attempt(result: Result, standing: Standing, rules: Rules, *, now: datetime, chance: float) -> Transition:
    """The transition out of `sending`.

    Args:
        result: how the attempt ended.
        standing: what was before.
        rules: the destination's.
        now: the ledger's clock.
        chance: in [0, 1): where in the backoff's range the retry falls.
    """
    if result.duplicate:
        if standing.unknown_attempts:
            return Transition(Outcome.ACCEPTED, (Step(State.ACCEPTED, DUPLICATE),))
        return Transition(Outcome.REJECTED, (Step(State.PARKED, CONFLICT),))
    if result.outcome is Outcome.ACCEPTED:
        return Transition(result.outcome, (Step(State.ACCEPTED, result.reason),))
    if result.outcome is Outcome.REJECTED and result.final:
        return Transition(result.outcome, (Step(State.REJECTED, result.reason),))
    due_at = next_attempt_at(standing.round_attempts, rules, now=now, chance=chance, retry_after=result.retry_after)
    if result.outcome is Outcome.UNKNOWN:
        unknown = Step(State.UNKNOWN, result.reason)
        hindrance = _hindrance(standing, rules, now)
        if hindrance is not None:
            return Transition(result.outcome, (unknown, Step(State.PARKED, hindrance)))
        return Transition(result.outcome, (unknown, Step(State.RETRY, DEDUPLICATED)), due_at)
    if standing.round_attempts >= rules.max_attempts:
        end = State.PARKED if standing.unknown_attempts else State.EXPIRED
        return Transition(result.outcome, (Step(end, ATTEMPTS_EXHAUSTED),))
    return Transition(result.outcome, (Step(State.RETRY, result.reason),), due_at)


def depends_on_result_alone(result: Result) -> bool:
    """Whether the transition is the same for every postback whose attempt ended like this."""
    return not result.duplicate and (
        result.outcome is Outcome.ACCEPTED or (result.outcome is Outcome.REJECTED and result.final)
    )


def next_attempt_at(
    attempts: int, rules: Rules, *, now: datetime, chance: float, retry_after: datetime | None
) -> datetime:
    """Full jitter over a ceiling that doubles; chance only ever adds to what the receiver asked for."""
    return max(now, retry_after or now) + timedelta(seconds=backoff_ceiling(attempts, rules) * chance)


def backoff_ceiling(failures: int, rules: Rules) -> float:
    """The longest wait after so many failures, from 1: doubled each time up to the most. Seconds."""
    # Doubling stops mattering long before the exponent overflows a float.
    return min(rules.retry_max_seconds, rules.retry_first_seconds * 2.0 ** min(failures - 1, 64))


def _hindrance(standing: Standing, rules: Rules, now: datetime) -> str | None:
    """Why an unknown attempt may not be followed by another one; None if it may."""
    if not rules.deduplicates:
        return NOT_DEDUPLICATED
    if rules.dedup_window is not None and now - standing.round_started_at >= rules.dedup_window:
        return DEDUP_WINDOW_CLOSED
    if standing.round_attempts >= rules.max_attempts:
        return ATTEMPTS_EXHAUSTED
    return None
