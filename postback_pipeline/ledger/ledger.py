"""The open ledger: every operation is one method, and one method is one operation.

Belongs here: the transaction and the clock around each operation. Does not belong here: what the operations do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from postback_pipeline.ledger import (
    claims as _claims,
)
from postback_pipeline.ledger import (
    commands,
    destinations,
    endings,
    history,
    imports,
    inspection,
    payloads,
    queue,
    selections,
    sweep,
)
from postback_pipeline.ledger import (
    guard as guards,
)
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.enqueue import Enqueue
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.stories import (
    CommandReport,
    ImportReport,
    LedgerStatus,
    Reported,
    Resolution,
    Selected,
    Selection,
    Story,
)
from postback_pipeline.ledger.values import (
    Approval,
    Claim,
    Due,
    EnqueueReport,
    LedgerIdentity,
    Peeked,
    Result,
    SweepReport,
)
from postback_pipeline.model import Desired, Postback
from postback_pipeline.settings import Guard


class Ledger:
    """An open ledger, made by `open_ledger`. Safe to share between threads; a context manager.

    Every method raises `LedgerUnavailable` where the database does not answer or refuses the write; then nothing was
    changed. Every method may be repeated.
    """

    def __init__(self, database: Database, identity: LedgerIdentity) -> None:
        self._database = database
        self.identity = identity

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections; the ledger may still be used and then opens new ones."""
        self._database.close()

    def now(self) -> datetime:
        """The ledger's clock, UTC: the injected one, else PostgreSQL's, else this machine's."""
        with self._database.reading() as connection:
            return self._database.now(connection)

    # What the machine does.

    def enqueue(
        self,
        destination: str,
        rows: Iterable[Desired],
        *,
        rules: Rules,
        render: Callable[[Postback], str],
        guard: Guard,
        dry_run: bool = False,
    ) -> EnqueueReport:
        """Turns one destination's outbox into new postbacks, in one transaction.

        Args:
            destination: the name in the settings.
            rows: the destination's rows of `outbox.postbacks`, each conversion once; read once, in order.
            rules: what the destination can do.
            render: gives the frozen element. A row for which it raises is refused and reported, the others go on;
                the text of an error class of this package is reported as it is, of any other only the class.
            guard: when to stop and wait for an approval.
            dry_run: looks and reports, changes nothing.

        Raises:
            LedgerError: a row is another destination's. Nothing was enqueued.
        """
        enqueue = Enqueue(self._database, destination, rules=rules, render=render, guard=guard)
        return enqueue.rehearse(rows) if dry_run else enqueue.run(rows)

    def claim(self, destination: str, limit: int, *, lease_seconds: float, owner: str, rules: Rules) -> list[Claim]:
        """Takes up to `limit` due postbacks: soonest `expires_at` first, then longest due. Durable when it returns.

        Empty where the destination is paused or postponed. `owner` names the worker in attempts and history.
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

    def record(self, results: Sequence[Result], *, rules: Rules) -> int:
        """Records how attempts of one destination ended, in one transaction.

        Returns how many came too late: their claim had lapsed or was released, so they are noted as stale attempts
        and change no state. A result that is recorded already is ignored.
        """
        with self._database.writing() as connection:
            return endings.record(connection, results, rules=rules, now=self._database.now(connection))

    def release(self, claims: Sequence[Claim]) -> None:
        """Puts back claims of which no byte was sent; the attempt counts nowhere."""
        with self._database.writing() as connection:
            endings.release(connection, claims, self._database.now(connection))

    def sweep(self, destination: str, rules: Rules) -> SweepReport:
        """Moves on what time alone moves: lapsed leases, closed windows, held postbacks whose parent settled."""
        return sweep.sweep(self._database, destination, rules)

    def due(self, destinations: Sequence[str]) -> dict[str, Due]:
        """What each destination's queue asks for now; reads indexes only."""
        with self._database.reading() as connection:
            return queue.due(connection, destinations, self._database.now(connection))

    def postpone(self, destination: str, until: datetime, reason: str) -> None:
        """Nothing of this destination is claimed before `until`, by any worker; of several instants the last holds."""
        with self._database.writing() as connection:
            destinations.postpone(connection, destination, until, reason)

    def judge(self, postback_ids: Collection[int], *, processed: bool, reason: str, actor: str) -> CommandReport:
        """Notes the later verdict of a receiver on postbacks that it accepted: `processed`, or else `rejected`."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return commands.judge(connection, postback_ids, processed=processed, actor=actor, reason=reason, now=now)

    def history(self, after_seq: int, batch: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        """Changes of state with a `seq` above `after_seq`, oldest first, shaped as `raw.ledger_history`.

        A row, once seen, never changes. On PostgreSQL rows appear when their transaction commits, so a lower `seq`
        may appear after a higher one, and one that rolled back leaves a gap for ever: overlap, and merge by `seq`.
        """
        return history.read_history(self._database, after_seq, batch)

    def erase_payloads(self, before: datetime) -> int:
        """Erases the elements of postbacks that are final since before this instant; returns how many."""
        return payloads.erase_payloads(self._database, before)

    # What people do. Everybody's name and reason are kept.

    def status(self) -> LedgerStatus:
        """Counts and oldest ages by destination and state, pauses, waiting approvals."""
        with self._database.reading() as connection:
            return inspection.status(connection, self.identity, self._database.now(connection))

    def inspect(self, subject: str | int) -> list[Story]:
        """All revisions of a conversion key at all destinations, or one postback by id; empty if there is none."""
        with self._database.reading() as connection:
            return inspection.inspect(connection, subject)

    def select(self, selection: Selection, limit: int = 100) -> Selected:
        """The postbacks that a command with this selection would look at: how many, and the newest `limit` of them."""
        with self._database.reading() as connection:
            return inspection.select_stories(connection, selection, limit)

    def peek(self, destination: str, limit: int) -> list[Peeked]:
        """The first due postbacks of a destination, paused or not, with their elements; takes none of them."""
        with self._database.reading() as connection:
            return queue.peek(connection, destination, limit, self._database.now(connection))

    def replay(self, selection: Selection, *, actor: str, reason: str, force: bool = False) -> CommandReport:
        """Sends again what was rejected, expired, parked or cancelled, as a new round of attempts.

        `force`: also what was accepted, as a new revision with the same element, and what the receiver's window has
        closed for. Repeating the command changes nothing more.

        Raises:
            LedgerError: nothing is selected, or no actor or reason is given.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return commands.replay(connection, selection, force=force, actor=actor, reason=reason, now=now)

    def resolve(self, postback_id: int, resolution: Resolution, *, actor: str, reason: str) -> CommandReport:
        """Says what a person found out about one parked postback.

        Raises:
            LedgerError: it does not exist or is not parked, or no actor or reason is given.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return commands.resolve(connection, postback_id, resolution, actor=actor, reason=reason, now=now)

    def cancel(self, selection: Selection, *, actor: str, reason: str) -> CommandReport:
        """Takes back what has not left; it stays so until the desired value changes or somebody replays it.

        Raises:
            LedgerError: nothing is selected, or no actor or reason is given.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            return commands.cancel(connection, selection, actor=actor, reason=reason, now=now)

    def pause(self, destination: str, *, reason: str, actor: str) -> bool:
        """Stops claims of a destination until it is resumed; whether it was running until now."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            selections.log_action(connection, "pause", actor=actor, reason=reason, subject=destination, now=now)
            return destinations.pause(connection, destination, reason, actor, now)

    def resume(self, destination: str, *, reason: str, actor: str) -> bool:
        """Lets a destination's postbacks be claimed again; whether it was paused until now."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            selections.log_action(connection, "resume", actor=actor, reason=reason, subject=destination, now=now)
            return destinations.resume(connection, destination)

    def approvals(self) -> list[Approval]:
        """Enqueues that were stopped and wait for a person, oldest first."""
        with self._database.reading() as connection:
            return guards.waiting(connection, self._database.now(connection))

    def approve(self, approval_id: int, *, actor: str, reason: str) -> Approval:
        """Lets one enqueue of about these counts through, within a day.

        Raises:
            LedgerError: no such approval waits, or no actor or reason is given.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            approval = guards.approve(connection, approval_id, actor=actor, now=now)
            subject = f"{approval.id}: {approval.postbacks} postbacks, {approval.retractions} of them retractions"
            selections.log_action(connection, "approve", actor=actor, reason=reason, subject=subject, now=now)
            return approval

    def import_reported(self, rows: Iterable[Reported], *, actor: str, reason: str) -> ImportReport:
        """Notes what a previous sender reported, as accepted first revisions without attempts; repeatable.

        Raises:
            LedgerError: a row is malformed or stands there twice, or no actor or reason is given. Nothing was imported.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            report = imports.import_reported(connection, rows, actor=actor, reason=reason, now=now)
            subject = f"{report.inserted} imported, {report.known} known"
            selections.log_action(connection, "import", actor=actor, reason=reason, subject=subject, now=now)
            return report
