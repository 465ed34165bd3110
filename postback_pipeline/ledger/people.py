"""What people do with an open ledger: look, replay, resolve, cancel, pause, approve, import.

Belongs here: the transaction, the clock and the log of actions around each command. Does not belong here: what the
commands do, what workers do (`ledger`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from postback_pipeline.ledger import adoption, commands, destinations, imports, inspection, queue, selections, troubles
from postback_pipeline.ledger import guard as guards
from postback_pipeline.ledger.adoption import Adopted
from postback_pipeline.ledger.database import Database
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.mark import Mark
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.stories import (
    CommandReport,
    DestinationStatus,
    ImportReport,
    LedgerStatus,
    Reported,
    Selected,
    Selection,
    Story,
)
from postback_pipeline.ledger.troubles import Troubles
from postback_pipeline.ledger.values import Approval, LedgerIdentity, Peeked
from postback_pipeline.model import Resolution


class PeopleSide:
    """The half of `Ledger` that people use; everybody's name and reason are kept."""

    def __init__(self, database: Database, identity: LedgerIdentity) -> None:
        self._database = database
        self.identity = identity

    def status(self) -> LedgerStatus:
        """Counts and oldest ages by destination and state, pauses, waiting approvals."""
        with self._database.reading() as connection:
            return inspection.status(connection, self.identity, self._database.now(connection))

    def destination(self, name: str) -> DestinationStatus:
        """One destination's queue, pause and breaker; of its states those in which something waits."""
        with self._database.reading() as connection:
            return inspection.destination_status(connection, name, self._database.now(connection))

    def troubles(self, *, refused_since: datetime, expiring_before: datetime, queued_before: datetime) -> Troubles:
        """What a person should know of: pauses, approvals, what did not arrive, what soon cannot any more (`troubles`).

        Args:
            refused_since: what was rejected or expired before is left out.
            expiring_before: what is queued counts where its window closes before this instant ...
            queued_before: ... and it came into the ledger before this one.
        """
        with self._database.reading() as connection:
            now = self._database.now(connection)
            return troubles.troubles(connection, refused_since, expiring_before, queued_before, now)

    def inspect(self, subject: str | int) -> list[Story]:
        """All revisions of a conversion key at all destinations, or one postback by id; empty if there is none."""
        with self._database.reading() as connection:
            return inspection.inspect(connection, subject)

    def select(self, selection: Selection, limit: int = 100) -> Selected:
        """The postbacks that a command with this selection would look at: how many, and the newest `limit` of them."""
        with self._database.reading() as connection:
            return inspection.select_stories(connection, selection, limit)

    def newest(self, selection: Selection, limit: int) -> tuple[Story, ...]:
        """The newest `limit` of those, oldest first; without counting them all."""
        with self._database.reading() as connection:
            return inspection.newest_stories(connection, selection, limit)

    def peek(self, destination: str, limit: int) -> list[Peeked]:
        """The first due postbacks of a destination, paused or not, with their elements; takes none of them."""
        with self._database.reading() as connection:
            return queue.peek(connection, destination, limit, self._database.now(connection))

    def elements(self, postback_ids: Collection[int]) -> list[Peeked]:
        """These postbacks with their elements, by id, for showing what was sent; those that were erased are missing."""
        with self._database.reading() as connection:
            return queue.elements(connection, postback_ids)

    def replay(
        self,
        selection: Selection,
        *,
        actor: str,
        reason: str,
        force: bool = False,
        dry_run: bool = False,
        seen: str | None = None,
    ) -> CommandReport:
        """Sends again what was rejected, expired, parked or cancelled, as a new round of attempts.

        `force`: also what was accepted, as a new revision with the same element, and what the receiver's window has
        closed for. Repeating the command changes nothing more. `dry_run`: reports the same, and changes nothing.
        `seen`: the identity of a report that a person saw before.

        Raises:
            LedgerError: nothing is selected, no actor or reason is given, or it is not what was `seen`.
        """
        with self._database.writing(rehearsal=dry_run) as connection:
            now = self._database.now(connection)
            report = commands.replay(connection, selection, force=force, actor=actor, reason=reason, now=now)
            return _as_seen(report, seen)

    def resolve(
        self,
        selection: Selection,
        resolution: Resolution,
        *,
        actor: str,
        reason: str,
        dry_run: bool = False,
        seen: str | None = None,
    ) -> CommandReport:
        """Says what a person found out about parked postbacks; others of the selection are left alone.

        `dry_run`: reports the same, and changes nothing. `seen`: the identity of a report that a person saw before.

        Raises:
            LedgerError: nothing is selected, no actor or reason is given, or it is not what was `seen`.
        """
        with self._database.writing(rehearsal=dry_run) as connection:
            now = self._database.now(connection)
            report = commands.resolve(connection, selection, resolution, actor=actor, reason=reason, now=now)
            return _as_seen(report, seen)

    def cancel(
        self, selection: Selection, *, actor: str, reason: str, dry_run: bool = False, seen: str | None = None
    ) -> CommandReport:
        """Takes back what has not left; it stays so until the desired value changes or somebody replays it.

        `dry_run`: reports the same, and changes nothing. `seen`: the identity of a report that a person saw before.

        Raises:
            LedgerError: nothing is selected, no actor or reason is given, or it is not what was `seen`.
        """
        with self._database.writing(rehearsal=dry_run) as connection:
            now = self._database.now(connection)
            report = commands.cancel(connection, selection, actor=actor, reason=reason, now=now)
            return _as_seen(report, seen)

    def pause(self, destination: str, *, reason: str, actor: str, mark: str | None = None) -> bool:
        """Stops claims of a destination until it is resumed; whether that changed anything.

        A destination that is paused already stays so for who paused it first, and why.

        `mark`: opaque and free of secrets; the pause ends by itself once `resume_if_changed` is told another one. A
        person's pause has none, and does replace one that would end by itself.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            paused = destinations.pause(connection, destination, reason, actor, now, mark)
            # Of many workers that find the same thing wrong only the first one did something.
            if paused or mark is None:
                selections.log_action(connection, "pause", actor=actor, reason=reason, subject=destination, now=now)
            return paused

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

    def approve(self, approval_id: int, *, actor: str, reason: str, dry_run: bool = False) -> Approval:
        """Lets one enqueue of about these counts through, within a day. `dry_run`: only says which.

        Raises:
            LedgerError: no such approval waits, or no actor or reason is given.
        """
        with self._database.writing(rehearsal=dry_run) as connection:
            now = self._database.now(connection)
            approval = guards.approve(connection, approval_id, actor=actor, now=now)
            subject = f"{approval.id}: {approval.postbacks} postbacks, {approval.retractions} of them retractions"
            selections.log_action(connection, "approve", actor=actor, reason=reason, subject=subject, now=now)
            return approval

    def adopt(
        self,
        rules: Mapping[str, Rules],
        *,
        mark: Path,
        actor: str,
        reason: str,
        unnoticed: bool = False,
        dry_run: bool = False,
    ) -> Adopted:
        """Takes on a ledger that was restored from an older backup; from then on the deployment works with it.

        What was queued may have been sent since: it is parked, with reason `restored`, where its receiver might take
        it a second time, and is elsewhere a retry after an attempt of unknown fate.

        Args:
            rules: of the destinations, by name.
            mark: the deployment's file, as `open_ledger` has it.
            actor: who says so; recorded.
            reason: why; recorded.
            unnoticed: also where the mark says nothing against this ledger, since it was restored together with it.
            dry_run: reports the same, and changes nothing.

        Raises:
            LedgerError: the mark says nothing against this ledger, or no actor or reason is given.
        """
        watched = Mark(mark, self.identity.ledger_id)
        with self._database.writing(rehearsal=dry_run) as connection:
            if not unnoticed and not watched.objects(connection):
                raise LedgerError("This is the ledger that the deployment worked with last. Nothing was changed.")
            now = self._database.now(connection)
            adopted = adoption.adopt(connection, rules, actor=actor, reason=reason, now=now)
        if not dry_run:
            with self._database.reading() as connection:
                watched.set(connection)
        return adopted

    def import_reported(
        self, rows: Iterable[Reported], *, actor: str, reason: str, dry_run: bool = False
    ) -> ImportReport:
        """Notes what a previous sender reported, as accepted first revisions without attempts; repeatable.

        `dry_run`: reports the same, and imports nothing.

        Raises:
            LedgerError: a row is malformed or stands there twice, or no actor or reason is given. Nothing was imported.
        """
        with self._database.writing(rehearsal=dry_run) as connection:
            now = self._database.now(connection)
            report = imports.import_reported(connection, rows, actor=actor, reason=reason, now=now)
            subject = f"{report.inserted} imported, {report.known} known"
            selections.log_action(connection, "import", actor=actor, reason=reason, subject=subject, now=now)
            return report


def _as_seen(report: CommandReport, seen: str | None) -> CommandReport:
    """Raised within the command's transaction, so that what a person saw otherwise stays as it was."""
    if seen is not None and report.identity != seen:
        raise LedgerError("What this is about changed just now. Nothing was changed. Look again.")
    return report
