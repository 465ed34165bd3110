"""Rows of the outbox -> what an enqueue will write about them, in batches that know what they were based on.

Belongs here: deciding, inheriting settled facts and rendering, row by row, and counting what came of it. Does not
belong here: the decision itself (`decision`), one row's plan (`plans`), locks and writing (`enqueue`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from postback_pipeline.ledger.decision import Known, decide
from postback_pipeline.ledger.facts import Settled, at_another_rate, inherit, read_settled
from postback_pipeline.ledger.known import read_known
from postback_pipeline.ledger.outbox_rows import flaw, flaw_of_text, safe_reason
from postback_pipeline.ledger.plans import Plan, TableRow, TakenBack, kind_of
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import Action, Refusal
from postback_pipeline.model import Desired, Kind, Postback

#: Refusals that a report quotes.
QUOTED = 20

_WRITES = frozenset({Action.INSERT, Action.REPLACE, Action.CANCEL})
_NOTHING = Known()


@dataclass(slots=True)
class Batch:
    """What will be written about some conversions, by key; plain values, cheap to put aside."""

    #: What the ledger held when it was planned; a conversion that it had never heard of is missing.
    known: dict[str, Known] = field(default_factory=dict)
    #: New revisions, as rows for the table.
    rows: dict[str, TableRow] = field(default_factory=dict)
    #: Newest revisions that must not leave any more.
    taken_back: dict[str, TakenBack] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.taken_back)

    def keys(self) -> list[str]:
        """Its conversions."""
        return [*self.rows, *(key for key in self.taken_back if key not in self.rows)]

    def drop(self, key: str) -> Action:
        """Takes a conversion out; what would have been done about it."""
        inserts, takes_back = self.rows.pop(key, None), self.taken_back.pop(key, None)
        self.known.pop(key, None)
        if takes_back is None:
            return Action.INSERT
        return Action.CANCEL if inserts is None else Action.REPLACE

    def kinds(self) -> Counter[Kind]:
        """Its new revisions."""
        return Counter(map(kind_of, self.rows.values()))


@dataclass(slots=True)
class Tally:
    """What became of the rows so far; every row is counted once."""

    actions: Counter[Action] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, key: str, reason: str) -> None:
        """Counts a row that cannot become a postback, and quotes the first ones."""
        self.actions[Action.REFUSED] += 1
        if len(self.refusals) < QUOTED:
            self.refusals.append(Refusal(key, reason))


class Planner:
    """Plans rows of one destination."""

    def __init__(self, destination: str, *, rules: Rules, render: Callable[[Postback], str], tally: Tally) -> None:
        self._destination = destination
        self._rules = rules
        self._render = render
        self._tally = tally

    def plan(self, connection: Connection, rows: Sequence[Desired], heard_of: Collection[str]) -> list[Plan]:
        """Decides, counts what needs nothing written, and renders the others.

        Args:
            connection: only read from.
            rows: each conversion once.
            heard_of: conversions of which the ledger may hold something.
        """
        asked = [row.conversion_key for row in rows if row.conversion_key in heard_of] if heard_of else []
        known = read_known(connection, self._destination, asked)
        plans = [plan for row in rows if (plan := self._decided(row, known)) is not None]
        settled = read_settled(connection, {plan.known.settled.id for plan in plans if plan.known.settled})
        return [plan for plan in plans if self._inherit(plan, settled) and self._finish(plan)]

    def _decided(self, row: Desired, known: Mapping[str, Known]) -> Plan | None:
        reason = flaw(row)
        if reason is not None:
            self._tally.refuse(row.conversion_key, reason)
            return None
        held = known.get(row.conversion_key, _NOTHING)
        decision = decide(row, held, self._rules)
        if decision.action in _WRITES:
            return Plan(row, held, decision, row.facts)
        self._tally.actions[decision.action] += 1
        return None

    def _inherit(self, plan: Plan, settled: Mapping[int, Settled]) -> bool:
        """Lets an earlier revision's facts hold for this one; False if the row was computed from others."""
        if plan.known.settled is None or not plan.inserts:
            return True
        earlier = settled[plan.known.settled.id]
        if at_another_rate(plan.desired, earlier):
            self._tally.actions[Action.STALE] += 1
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
                self._tally.refuse(plan.desired.conversion_key, safe_reason(error))
                return False
            reason = flaw_of_text(plan.element)
            if reason is not None:
                self._tally.refuse(plan.desired.conversion_key, f"The rendered element {reason}.")
                return False
        self._tally.actions[plan.decision.action] += 1
        return True


def batch_of(plans: Sequence[Plan]) -> Batch:
    """The plans as what is kept of them."""
    return Batch(
        known={plan.desired.conversion_key: plan.known for plan in plans if plan.known.newest is not None},
        rows={plan.desired.conversion_key: plan.row() for plan in plans if plan.inserts},
        taken_back={plan.desired.conversion_key: back for plan in plans if (back := plan.taken_back()) is not None},
    )
