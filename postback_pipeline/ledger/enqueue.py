"""Outbox rows -> new postbacks: identity, revision and kind are given here and nowhere else.

Belongs here: the enqueue of one destination. Does not belong here: which rows need no second thought (`sifting`), what
is to be written about the others (`planning`), whether they are suspiciously many (`guard`).

Two passes. The first one reads and renders without holding a lock, which is what takes the time. The second one runs
in one transaction, under the destination's lock: it looks again, plans anew what changed in between, asks the guard
about the whole, and writes all or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from postback_pipeline.ledger import guard as guards
from postback_pipeline.ledger.bulk import insert_postbacks
from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.columns import instant_text
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.decision import QUEUED_STATES
from postback_pipeline.ledger.destinations import lock_destination
from postback_pipeline.ledger.known import read_known
from postback_pipeline.ledger.moves import move, record_births
from postback_pipeline.ledger.outbox import Outbox
from postback_pipeline.ledger.planning import Batch, Planner, Tally, batch_of
from postback_pipeline.ledger.plans import ORIGIN, Plan, TakenBack, written_at
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.ledger.sifting import sift
from postback_pipeline.ledger.spool import Spool
from postback_pipeline.ledger.values import Action, Approval, EnqueueReport, Planned
from postback_pipeline.model import Desired, Kind, Postback, State
from postback_pipeline.settings import Guard


class Enqueue:
    """One enqueue of one destination; used once."""

    def __init__(
        self,
        database: Database,
        destination: str,
        outbox: Outbox,
        *,
        rules: Rules,
        render: Callable[[Postback], str],
        guard: Guard,
    ) -> None:
        self._database = database
        self._destination = destination
        self._outbox = outbox
        self._guard = guard
        self._tally = Tally()
        self._planner = Planner(destination, rules=rules, render=render, tally=self._tally)

    def run(self) -> EnqueueReport:
        """Both passes."""
        with Spool() as spool:
            for plans in self._look():
                spool.add(batch_of(plans))
            kinds: Counter[Kind] = Counter()
            stopped_by = None
            if spool:
                with self._database.writing() as connection:
                    lock_destination(connection, self._destination)
                    now = self._database.now(connection)
                    again = _SecondLook(connection, self._destination, self._outbox, self._planner, self._tally)
                    kinds = again.look(spool)
                    stopped_by = self._ask_guard(connection, kinds, now)
                    if stopped_by is None:
                        self._write(connection, again, spool, now)
        return self._report(kinds, stopped_by, dry_run=False)

    def rehearse(self) -> EnqueueReport:
        """The first pass only: what `run` would do, without a lock or a change."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
        planned: list[Planned] = []
        cancelled: list[str] = []
        for plans in self._look():
            planned += [plan.planned(now) for plan in plans if plan.inserts]
            cancelled += [plan.desired.conversion_key for plan in plans if not plan.inserts]
        kinds = Counter(each.kind for each in planned)
        with self._database.reading() as connection:
            stopped_by = self._foresee_guard(connection, kinds, now)
        report = self._report(kinds, stopped_by, dry_run=True)
        return replace(report, planned=tuple(planned), cancelled=tuple(cancelled))

    def _report(self, kinds: Counter[Kind], stopped_by: Approval | None, *, dry_run: bool) -> EnqueueReport:
        return EnqueueReport(
            destination=self._destination,
            dry_run=dry_run,
            actions=+self._tally.actions,
            kinds={} if stopped_by else kinds,
            refusals=tuple(self._tally.refusals),
            stopped_by=stopped_by,
        )

    def _look(self) -> Iterator[list[Plan]]:
        for sifted in sift(self._database, self._destination, self._outbox):
            self._tally.actions.update({Action.KNOWN: sifted.known, Action.STALE: sifted.stale})
            for key in sifted.twice:
                self._tally.refuse(key, "The outbox names this conversion twice for this destination.")
            for rows in _once(self._outbox.rows(sifted.wanted)):
                with self._database.reading() as connection:
                    yield self._planner.plan(connection, rows, sifted.heard_of)

    def _foresee_guard(self, connection: Connection, kinds: Counter[Kind], now: datetime) -> Approval | None:
        counts = guards.Counts(self._destination, kinds.total(), kinds[Kind.RETRACTION])
        reason = guards.objection(connection, counts, self._guard, now)
        if reason is None or guards.find_approval(connection, counts, now) is not None:
            return None
        waiting = guards.waiting(connection, now, self._destination)
        return waiting[0] if waiting else Approval(0, *counts, reason, now)

    def _ask_guard(self, connection: Connection, kinds: Counter[Kind], now: datetime) -> Approval | None:
        """The approval that the enqueue must wait for; None if it may go on."""
        counts = guards.Counts(self._destination, kinds.total(), kinds[Kind.RETRACTION])
        reason = guards.objection(connection, counts, self._guard, now)
        if reason is None:
            return None
        approval = guards.find_approval(connection, counts, now)
        if approval is None:
            return guards.ask(connection, counts, reason, now)
        guards.mark_used(connection, approval, now)
        return None

    def _write(self, connection: Connection, again: _SecondLook, spool: Spool, now: datetime) -> None:
        taken_back: dict[tuple[State, str], list[int]] = {}
        for back in again.taken_back:
            taken_back.setdefault((back.becomes, back.reason), []).append(back.postback_id)
        for (state, reason), ids in taken_back.items():
            move(connection, ids, state, reason=reason, actor=ORIGIN, now=now)
        last: int = connection.execute(select(func.max(postbacks.c.id))).scalar_one() or 0
        written = instant_text(now)
        for batch in again.batches(spool):
            insert_postbacks(connection, [written_at(row, written) for row in batch.rows.values()])
        record_births(connection, self._destination, last, actor=ORIGIN)


class _SecondLook:
    """What still holds of the first look, under the lock; what does not is planned anew."""

    def __init__(
        self, connection: Connection, destination: str, outbox: Outbox, planner: Planner, tally: Tally
    ) -> None:
        self._connection = connection
        self._destination = destination
        self._outbox = outbox
        self._planner = planner
        self._tally = tally
        self._dropped: set[str] = set()
        self._anew: list[Batch] = []
        #: Locked for this transaction.
        self.taken_back: list[TakenBack] = []

    def look(self, spool: Spool) -> Counter[Kind]:
        """Goes through everything once; the new revisions that there will be."""
        kinds: Counter[Kind] = Counter()
        for batch in spool:
            kinds += self._hold(self._unchanged(batch))
        for batch in self._anew:
            kinds += self._hold(batch)
        return kinds

    def batches(self, spool: Spool) -> Iterator[Batch]:
        """What is to be written."""
        for batch in spool:
            for key in self._dropped.intersection(batch.rows):
                del batch.rows[key]
            yield batch
        yield from self._anew

    def _unchanged(self, batch: Batch) -> Batch:
        keys = batch.keys()
        found = read_known(self._connection, self._destination, keys)
        if found == batch.known:
            return batch
        changed = [key for key in keys if found.get(key) != batch.known.get(key)]
        for key in changed:
            self._drop(batch, key)
        for rows in _once(self._outbox.rows(changed)):
            self._anew.append(batch_of(self._planner.plan(self._connection, rows, set(changed))))
        return batch

    def _drop(self, batch: Batch, key: str) -> None:
        self._tally.actions[batch.drop(key)] -= 1
        self._dropped.add(key)

    def _hold(self, batch: Batch) -> Counter[Kind]:
        """Locks the postbacks that are to be taken back: a worker that has one just now is not waited for."""
        held: set[int] = set()
        for chunk in chunks(back.postback_id for back in batch.taken_back.values()):
            query = select(standings.c.id).where(
                standings.c.id.in_(chunk),
                standings.c.state.in_([state.value for state in QUEUED_STATES]),
                standings.c.unknown_attempts == 0,
            )
            held.update(self._connection.execute(query.with_for_update(skip_locked=True, key_share=True)).scalars())
        for key, back in list(batch.taken_back.items()):
            if back.postback_id in held:
                self.taken_back.append(back)
            else:
                self._drop(batch, key)
                self._tally.actions[Action.WAITS] += 1
        return batch.kinds()


def _once(lists: Iterable[list[Desired]]) -> Iterator[list[Desired]]:
    """The first row of each conversion; its further rows follow it, be it in the next list."""
    last = None
    for rows in lists:
        found = []
        for row in rows:
            if row.conversion_key != last:
                found.append(row)
            last = row.conversion_key
        yield found
