"""The open ledger: every operation is one method, and one method is one operation.

Belongs here: the transaction and the clock around each operation of the machine. Does not belong here: what the
operations do, people's commands (`people`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from postback_pipeline.ledger import claims as _claims
from postback_pipeline.ledger import (
    destinations,
    drains,
    endings,
    history,
    payloads,
    queue,
    reattempts,
    receipts,
    selections,
    sweep,
)
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.enqueue import Enqueue
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.mark import Mark
from postback_pipeline.ledger.outbox import Outbox, RowsInMemory
from postback_pipeline.ledger.people import PeopleSide
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.values import (
    Claim,
    Due,
    EnqueueReport,
    Inquiry,
    LedgerIdentity,
    Recorded,
    Result,
)
from postback_pipeline.model import Desired, Later, Postback, State
from postback_pipeline.settings import Guard


class Ledger(PeopleSide):
    """An open ledger, made by `open_ledger`. Safe to share between threads; a context manager.

    Every method raises `LedgerUnavailable` where the database does not answer or refuses the write. Nothing was changed
    then, save where the connection broke while it committed: that may or may not stand. Every method may be repeated.
    What a worker was not told that it holds, its lease ends: a repeated `claim` takes other postbacks, and a repeated
    `reattempt` returns none of those that were begun already.
    """

    def __init__(self, database: Database, identity: LedgerIdentity, mark: Mark | None = None) -> None:
        super().__init__(database, identity)
        self._mark = mark

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections; the ledger may still be used and then opens new ones."""
        try:
            # What cannot be noted here is noticed by whoever opens it next.
            with suppress(LedgerError):
                self._move_mark(at_once=True)
        finally:
            self._database.close()

    def _move_mark(self, *, at_once: bool = False) -> None:
        if self._mark is not None:
            with self._database.reading() as connection:
                self._mark.move(connection, at_once=at_once)

    def now(self) -> datetime:
        """The ledger's clock, UTC: the injected one, else PostgreSQL's, else this machine's."""
        with self._database.reading() as connection:
            return self._database.now(connection)

    def enqueue(
        self,
        destination: str,
        rows: Iterable[Desired] | Outbox,
        *,
        rules: Rules,
        render: Callable[[Postback], str],
        guard: Guard,
        dry_run: bool = False,
    ) -> EnqueueReport:
        """Turns one destination's outbox into new postbacks, in one transaction.

        Args:
            destination: the name in the settings.
            rows: the destination's rows of `outbox.postbacks`, each conversion once, in any order; or an `Outbox`,
                of which only the rows that the ledger does not know are read whole, a few thousand at a time.
            rules: what the destination can do.
            render: gives the frozen element. A row for which it raises is refused and reported, the others go on;
                the text of an error class of this package is reported as it is, of any other only the class.
            guard: when to stop and wait for an approval.
            dry_run: looks and reports, changes nothing.

        Raises:
            LedgerError: a row is another destination's. Nothing was enqueued.
        """
        outbox = rows if isinstance(rows, Outbox) else RowsInMemory(destination, rows)
        enqueue = Enqueue(self._database, destination, outbox, rules=rules, render=render, guard=guard)
        if dry_run:
            return enqueue.rehearse()
        report = enqueue.run()
        self._move_mark()
        return report

    def claim(self, destination: str, limit: int, *, lease_seconds: float, owner: str, rules: Rules) -> list[Claim]:
        """Takes up to `limit` due postbacks: soonest `expires_at` first, then longest due. Durable when it returns.

        Empty where the destination is paused or postponed. While its breaker is open (`trip`), at most one, the probe,
        and only if nothing else of the destination is being sent. `owner` names the worker in attempts and history.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return _claims.claim(
                connection, destination, limit, lease_seconds=lease_seconds, owner=owner, rules=rules, now=now
            )

    def renew(self, claims: Sequence[Claim], lease_seconds: float) -> list[Claim]:
        """Extends leases from now; returns the claims still held, the others must not be sent any more."""
        with self._database.writing() as connection:
            return _claims.renew(connection, claims, lease_seconds, self._database.now(connection))

    def record(self, results: Sequence[Result], *, rules: Rules) -> Recorded:
        """Records how attempts of one destination ended, in one transaction, and says where it stands since.

        Those that came too late (their claim had lapsed or was released) are noted as stale attempts and change no
        state. A result that is recorded already is ignored. Of no results nothing is known, not even the standing.
        """
        with self._database.writing() as connection:
            return endings.record(connection, results, rules=rules, now=self._database.now(connection))

    def reattempt(self, results: Sequence[Result], claims: Sequence[Claim], *, lease_seconds: float) -> list[Claim]:
        """Ends attempts that were refused with their whole batch, and begins the next ones, in one transaction.

        The next attempts, like a claim's, are durable when it returns and leased from now; they do not count in the
        budget of attempts. Those whose lease was lost are missing, and noted as stale attempts.

        Args:
            results: one per claim, all rejected and not final.
            claims: what was in the batch, one worker's.
            lease_seconds: how long the new claims last.

        Raises:
            ValueError: a result is another one, or belongs to none of the claims. Nothing was changed.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return reattempts.reattempt(connection, results, claims, now + timedelta(seconds=lease_seconds), now)

    def release(self, claims: Sequence[Claim], refusals: Sequence[Result] = ()) -> None:
        """Puts claims back to where they were taken from; their attempts do not count in the budget.

        `refusals` are of those that left and came back because the set-up is at fault (401), which says nothing about
        the postback: their attempts say so. Of all others no byte was sent.
        """
        with self._database.writing() as connection:
            endings.release(connection, claims, refusals, self._database.now(connection))

    def sweep(self, destination: str, rules: Rules) -> None:
        """Moves on what time alone moves: lapsed leases, closed windows, held postbacks whose parent settled."""
        sweep.sweep(self._database, destination, rules)

    def due(self, destinations: Sequence[str]) -> dict[str, Due]:
        """What each destination's queue asks for now; reads indexes, and of what is held the rows."""
        with self._database.reading() as connection:
            return queue.due(connection, destinations, self._database.now(connection))

    def count(self, destination: str, states: Collection[State]) -> dict[State, int]:
        """How many postbacks of a destination are in each of these states; reads an index only."""
        with self._database.reading() as connection:
            return queue.count(connection, destination, states)

    def postpone(self, destination: str, until: datetime, reason: str) -> None:
        """Nothing of this destination is claimed before `until`, by any worker; of several instants the last holds."""
        with self._database.writing() as connection:
            destinations.postpone(connection, destination, until, reason)

    def trip(self, destination: str, reason: str, *, rules: Rules) -> datetime:
        """Opens the breaker of a destination that fails: until it recovers, only single probes leave.

        Returns the instant, UTC, before which nothing leaves: the rules' retry ceiling, doubled each time in a row,
        half of it fixed and half by chance. A breaker that another worker has just opened stays as it is.
        """
        with self._database.writing() as connection:
            return destinations.trip(connection, destination, reason, rules, self._database.now(connection))

    def recover(self, destination: str) -> None:
        """Closes the breaker; an instant to wait for stays."""
        with self._database.writing() as connection:
            destinations.recover(connection, destination)

    def take_turns(self, destination: str, count: int, rate: float) -> datetime:
        """Reserves `count` turns of 1/`rate` seconds one after the other, over all workers.

        Returns the instant, UTC, of the first one: now, or when the turns that were taken before are over. Turns that
        are not used are lost.

        Raises:
            ValueError: `count` or `rate` (per second) is not above zero.
        """
        if count <= 0 or rate <= 0:
            raise ValueError(f"{count} turns at {rate} per second cannot be taken.")
        with self._database.writing() as connection:
            return destinations.take_turns(connection, destination, count, rate, self._database.now(connection))

    def resume_if_changed(self, destination: str, mark: str) -> bool:
        """Ends a pause that was made with another mark than this one; whether it did. A person's pause stays."""
        with self._database.writing() as connection:
            resumed = destinations.resume(connection, destination, changed_from=mark)
            if resumed:
                now = self._database.now(connection)
                reason = "What it was paused for has changed."
                selections.log_action(connection, "resume", actor="drain", reason=reason, subject=destination, now=now)
            return resumed

    def beat(self, destination: str, owner: str) -> None:
        """Notes that this drain works; to be repeated well within `drains.BEAT_LAPSE`. Excludes nobody."""
        with self._database.writing() as connection:
            drains.beat(connection, destination, owner, self._database.now(connection))
        self._move_mark()

    def leave(self, destination: str, owner: str) -> None:
        """Notes that this drain stopped."""
        with self._database.writing() as connection:
            drains.leave(connection, destination, owner)

    def inquiries(self, destination: str, limit: int) -> list[Inquiry]:
        """Receipts whose later verdict should be asked for now, the least asked about first, at most `limit`."""
        with self._database.reading() as connection:
            return receipts.due(connection, destination, limit, self._database.now(connection))

    def heed(self, receipt_id: int, later: Later | None, reason: str) -> int:
        """What a receiver said later about one receipt (`receipts`); returns how many postbacks it moved.

        None: it did not answer, or there was no asking it. It is asked again later, however long that goes on.
        """
        with self._database.writing() as connection:
            return receipts.heed(connection, receipt_id, later, reason, self._database.now(connection))

    def defer_inquiries(self, destination: str) -> None:
        """Receipts that are to be asked about now are later (`receipts.DEFERRED`): the receiver does not answer."""
        with self._database.writing() as connection:
            receipts.defer(connection, destination, self._database.now(connection))

    def history(self, after_seq: int, batch: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        """Changes of state with a `seq` above `after_seq`, oldest first, shaped as `raw.ledger_history`.

        A row, once seen, never changes. On PostgreSQL rows appear when their transaction commits, so a lower `seq`
        may appear after a higher one, and one that rolled back leaves a gap for ever: overlap, and merge by `seq`.
        """
        return history.read_history(self._database, after_seq, batch)

    def erase_payloads(self, before: datetime) -> int:
        """Erases the elements of postbacks that are final since before this instant; returns how many."""
        return payloads.erase_payloads(self._database, before)
