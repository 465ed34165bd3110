"""Outbox rows -> new postbacks: identity, revision and kind are given here and nowhere else.

Belongs here: the enqueue of one destination. Does not belong here: the decision about one row (`decision`), whether
there are suspiciously many (`guard`), how an element is rendered (handed in).

Two passes. The first one reads and renders without holding a lock, which is what takes the time. The second one runs
in one transaction, under the destination's lock: it looks again, decides anew what changed in between, asks the
guard about the whole, and writes all or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from postback_pipeline.ledger import guard as guards
from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.decision import QUEUED_STATES, Known, decide
from postback_pipeline.ledger.destinations import lock_destination
from postback_pipeline.ledger.facts import Settled, at_another_rate, inherit, read_settled
from postback_pipeline.ledger.known import read_known
from postback_pipeline.ledger.moves import move, record_births
from postback_pipeline.ledger.outbox_rows import flaw, flaw_of_text, safe_reason
from postback_pipeline.ledger.plans import ORIGIN, Plan
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.ledger.values import Action, Approval, EnqueueReport, Refusal
from postback_pipeline.model import Desired, Kind, Postback, State
from postback_pipeline.settings import Guard

#: Refusals that a report quotes.
QUOTED = 20

_WRITES = frozenset({Action.INSERT, Action.REPLACE, Action.CANCEL})


class Enqueue:
    """One enqueue of one destination; used once."""

    def __init__(
        self,
        database: Database,
        destination: str,
        *,
        rules: Rules,
        render: Callable[[Postback], str],
        guard: Guard,
    ) -> None:
        self._database = database
        self._destination = destination
        self._rules = rules
        self._render = render
        self._guard = guard
        self._actions: Counter[Action] = Counter()
        self._refusals: list[Refusal] = []

    def run(self, rows: Iterable[Desired]) -> EnqueueReport:
        """Both passes."""
        plans = self._look(rows)
        stopped_by = None
        if plans:
            with self._database.writing() as connection:
                lock_destination(connection, self._destination)
                now = self._database.now(connection)
                plans = self._look_again(connection, plans)
                stopped_by = self._ask_guard(connection, plans, now)
                if stopped_by is None:
                    self._write(connection, plans, now)
        return EnqueueReport(
            destination=self._destination,
            dry_run=False,
            actions=+self._actions,
            kinds={} if stopped_by else _kinds(plans),
            refusals=tuple(self._refusals),
            stopped_by=stopped_by,
        )

    def rehearse(self, rows: Iterable[Desired]) -> EnqueueReport:
        """The first pass only: what `run` would do, without a lock or a change."""
        plans = self._look(rows)
        with self._database.reading() as connection:
            now = self._database.now(connection)
            stopped_by = self._foresee_guard(connection, plans, now)
        return EnqueueReport(
            destination=self._destination,
            dry_run=True,
            actions=+self._actions,
            kinds={} if stopped_by else _kinds(plans),
            refusals=tuple(self._refusals),
            stopped_by=stopped_by,
            planned=tuple(plan.planned(now) for plan in plans if plan.inserts),
            cancelled=tuple(plan.desired.conversion_key for plan in plans if not plan.inserts),
        )

    def _look(self, rows: Iterable[Desired]) -> list[Plan]:
        plans: list[Plan] = []
        seen: set[str] = set()
        for chunk in chunks(rows):
            sound = [desired for desired in chunk if self._is_sound(desired, seen)]
            with self._database.reading() as connection:
                plans += self._plan(connection, sound)
        return plans

    def _is_sound(self, desired: Desired, seen: set[str]) -> bool:
        reason = flaw(desired, self._destination)
        if reason is None and desired.conversion_key in seen:
            reason = "The outbox names this conversion twice for this destination."
        if reason is not None:
            self._refuse(desired, reason)
            return False
        seen.add(desired.conversion_key)
        return True

    def _refuse(self, desired: Desired, reason: str) -> None:
        self._actions[Action.REFUSED] += 1
        if len(self._refusals) < QUOTED:
            self._refusals.append(Refusal(desired.conversion_key, reason))

    def _plan(self, connection: Connection, rows: list[Desired]) -> list[Plan]:
        """Decides, counts what needs nothing written, and renders the others."""
        known = read_known(connection, self._destination, [desired.conversion_key for desired in rows])
        plans = []
        for desired in rows:
            held = known.get(desired.conversion_key, Known())
            decision = decide(desired, held, self._rules)
            if decision.action in _WRITES:
                plans.append(Plan(desired, held, decision, desired.facts))
            else:
                self._actions[decision.action] += 1
        settled = read_settled(connection, {plan.known.settled.id for plan in plans if plan.known.settled})
        return [plan for plan in plans if self._inherit(plan, settled) and self._finish(plan)]

    def _inherit(self, plan: Plan, settled: Mapping[int, Settled]) -> bool:
        """Lets an earlier revision's facts hold for this one; False if the row was computed from others."""
        if plan.known.settled is None or not plan.inserts:
            return True
        earlier = settled[plan.known.settled.id]
        if at_another_rate(plan.desired, earlier):
            self._actions[Action.STALE] += 1
            return False
        plan.facts = inherit(plan.desired, earlier)
        return True

    def _finish(self, plan: Plan) -> bool:
        """Renders what is to be inserted; False if it cannot be."""
        if plan.inserts:
            try:
                plan.element = self._render(plan.postback())
            # Whatever an adapter makes of one odd row, the others are not held up by it.
            except Exception as error:
                self._refuse(plan.desired, safe_reason(error))
                return False
            reason = flaw_of_text(plan.element)
            if reason is not None:
                self._refuse(plan.desired, f"The rendered element {reason}.")
                return False
        self._actions[plan.decision.action] += 1
        return True

    def _look_again(self, connection: Connection, plans: list[Plan]) -> list[Plan]:
        """Plans anew what changed since the first look, and locks the postbacks that are to be taken back."""
        known = read_known(connection, self._destination, [plan.desired.conversion_key for plan in plans])
        unchanged, changed = [], []
        for plan in plans:
            if known.get(plan.desired.conversion_key, Known()) == plan.known:
                unchanged.append(plan)
            else:
                self._actions[plan.decision.action] -= 1
                changed.append(plan.desired)
        for chunk in chunks(changed):
            unchanged += self._plan(connection, chunk)
        return self._hold(connection, unchanged)

    def _hold(self, connection: Connection, plans: list[Plan]) -> list[Plan]:
        """The plans whose postbacks could be locked: a worker that has one just now is not waited for."""
        held: set[int] = set()
        for chunk in chunks([plan.takes_back for plan in plans if plan.takes_back is not None]):
            query = select(postbacks.c.id).where(
                postbacks.c.id.in_(chunk),
                postbacks.c.state.in_([state.value for state in QUEUED_STATES]),
                postbacks.c.unknown_attempts == 0,
            )
            held.update(connection.execute(query.with_for_update(skip_locked=True, key_share=True)).scalars())
        kept = []
        for plan in plans:
            if plan.takes_back is None or plan.takes_back in held:
                kept.append(plan)
            else:
                self._actions[plan.decision.action] -= 1
                self._actions[Action.WAITS] += 1
        return kept

    def _foresee_guard(self, connection: Connection, plans: list[Plan], now: datetime) -> Approval | None:
        kinds = _kinds(plans)
        counts = guards.Counts(self._destination, kinds.total(), kinds[Kind.RETRACTION])
        reason = guards.objection(connection, counts, self._guard, now)
        if reason is None or guards.find_approval(connection, counts, now) is not None:
            return None
        waiting = guards.waiting(connection, now, self._destination)
        return waiting[0] if waiting else Approval(0, *counts, reason, now)

    def _ask_guard(self, connection: Connection, plans: list[Plan], now: datetime) -> Approval | None:
        """The approval that the enqueue must wait for; None if it may go on."""
        kinds = _kinds(plans)
        counts = guards.Counts(self._destination, kinds.total(), kinds[Kind.RETRACTION])
        reason = guards.objection(connection, counts, self._guard, now)
        if reason is None:
            return None
        approval = guards.find_approval(connection, counts, now)
        if approval is None:
            return guards.ask(connection, counts, reason, now)
        guards.mark_used(connection, approval, now)
        return None

    def _write(self, connection: Connection, plans: list[Plan], now: datetime) -> None:
        taken_back: dict[tuple[State, str], list[int]] = {}
        for plan in plans:
            if plan.takes_back is not None:
                state = State.SUPERSEDED if plan.inserts else State.CANCELLED
                taken_back.setdefault((state, plan.desired.reason_code), []).append(plan.takes_back)
        for (state, reason), ids in taken_back.items():
            move(connection, ids, state, reason=reason, actor=ORIGIN, now=now)
        last: int = connection.execute(select(func.max(postbacks.c.id))).scalar_one() or 0
        for chunk in chunks([plan for plan in plans if plan.inserts]):
            connection.execute(insert(postbacks), [plan.row(now) for plan in chunk])
        record_births(connection, self._destination, last, actor=ORIGIN)


def _kinds(plans: Iterable[Plan]) -> Counter[Kind]:
    return Counter(plan.decision.kind for plan in plans if plan.inserts)
