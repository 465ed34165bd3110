"""How a person steps in, for whatever offers it: the command line, and the jobs in Dagster's UI.

Belongs here: what a step selects, shows and refuses, the same everywhere. Does not belong here: asking and printing
(the command line), configuration of runs (Dagster), what a command may do to which postback (`commands`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from postback_pipeline.ledger.commands import REPLAYABLE
from postback_pipeline.ledger.decision import QUEUED_STATES
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.ledger import Ledger
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.selections import require_reason
from postback_pipeline.ledger.stories import CommandReport, Reported, Selection, Story
from postback_pipeline.ledger.values import Approval
from postback_pipeline.model import Resolution, State

#: So many postbacks are shown of those that a step is about, and as many of those that it leaves alone.
SHOWN = 20
#: Longer numbers than databases count to (2^63).
_DIGITS = 18

POSTBACK_COLUMNS = (
    "id",
    "destination",
    "conversion",
    "revision",
    "kind",
    "value",
    "currency",
    "state",
    "reason",
    "due",
    "changed",
)


class Table(NamedTuple):
    """Rows of plain values; times are UTC. Nothing in them is personal, but reasons may come from outside."""

    #: The same whatever it shows.
    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a step would do, or did, as a person is told."""

    #: How many postbacks, destinations, approvals or rows it changes.
    count: int
    sentence: str
    tables: tuple[Table, ...] = ()
    #: Of a rehearsal: the same only where the step is about the very same things, in the same states. Counts of what
    #: merely waits are not in it: they never stand still.
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a person: rehearsed and shown first, then taken.

    Both raise `LedgerError` for what is refused as a whole; then nothing was changed.
    """

    command: str
    #: What is asked before it is taken.
    question: str
    _act: Callable[[Ledger, bool, str | None], Told]

    def rehearse(self, ledger: Ledger) -> Told:
        """What it would do now; changes nothing."""
        return self._act(ledger, True, None)

    def take(self, ledger: Ledger, seen: str | None = None) -> Told:
        """Does it, in one transaction; of postbacks, only if the identity told before is still `seen`."""
        return self._act(ledger, False, seen)


def select(
    which: Sequence[str] = (),
    *,
    destination: str | None = None,
    states: Sequence[State] = (),
    event: str | None = None,
    last_reason: str | None = None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
) -> Selection:
    """What a person's conditions select; `which` are ids of postbacks or conversion keys, instants naive mean UTC.

    Raises:
        LedgerError: nothing was given, which would select everything, or ids and keys at once, or an id is too long.
    """
    ids = [numbered(each) for each in which if each.isdecimal()]
    if ids and len(ids) < len(which):
        raise LedgerError("Give either ids of postbacks or conversion keys, not both at once.")
    if not (which or destination or states or event or last_reason or created_from or created_before):
        raise LedgerError("Say which postbacks: by id or conversion key, or by conditions such as the state parked.")
    return Selection(
        ids=ids,
        conversion_keys=() if ids else which,
        destination=destination,
        states=states,
        event_name=event,
        reason=last_reason,
        created_from=_utc(created_from),
        created_before=_utc(created_before),
    )


def numbered(written: str) -> int:
    """The number of a postback or an approval, as a person wrote it.

    Raises:
        LedgerError: it is none, or longer than any that a ledger gives.
    """
    if not written.isdecimal() or len(written) > _DIGITS:
        raise LedgerError(f"{written[: _DIGITS + 1]!r} is no number of this ledger. Nothing was changed.")
    return int(written)


def replay(selection: Selection, *, force: bool, actor: str, reason: str) -> Step:
    """Sends again; without a name or a state, of what the selection finds only what can be replayed without force."""
    chosen = _in_states(selection, REPLAYABLE)

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        report = ledger.replay(chosen, force=force, actor=actor, reason=reason, dry_run=dry_run, seen=seen)
        return _tell(ledger, report, "To be sent again", dry_run)

    return Step("replay", "Send these again?" + (" Those that were accepted, too." if force else ""), act)


def cancel(selection: Selection, *, actor: str, reason: str) -> Step:
    """Takes back; without a name or a state, of what the selection finds only what is queued."""
    chosen = _in_states(selection, QUEUED_STATES)

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        report = ledger.cancel(chosen, actor=actor, reason=reason, dry_run=dry_run, seen=seen)
        return _tell(ledger, report, "To be taken back", dry_run)

    return Step("cancel", "Take these back, so that they do not leave?", act)


def resolve(selection: Selection, resolution: Resolution, *, actor: str, reason: str) -> Step:
    """Says what was found out; without a name or a state, of what the selection finds only what is parked."""
    chosen = _in_states(selection, {State.PARKED})

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        report = ledger.resolve(chosen, resolution, actor=actor, reason=reason, dry_run=dry_run, seen=seen)
        return _tell(ledger, report, f"To be resolved as {resolution}", dry_run, with_attempts=True)

    return Step("resolve", f"Resolve these as {resolution}?", act)


def pause(destination: str, configured: Collection[str], *, actor: str, reason: str) -> Step:
    """Lets nothing leave to one of the `configured` destinations."""
    require_reason("pause", actor=actor, reason=reason)
    return _switch("pause", destination, configured, lambda it: it.pause(destination, actor=actor, reason=reason))


def resume(destination: str, configured: Collection[str], *, actor: str, reason: str) -> Step:
    """Lets a paused one of the `configured` destinations' postbacks leave again."""
    require_reason("resume", actor=actor, reason=reason)
    return _switch("resume", destination, configured, lambda it: it.resume(destination, actor=actor, reason=reason))


def approve(approval_id: int, *, actor: str, reason: str) -> Step:
    """Lets an enqueue through that was stopped for its size."""

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        found = ledger.approve(approval_id, actor=actor, reason=reason, dry_run=dry_run)
        counts = f"{found.postbacks} postbacks for {found.destination}, {found.retractions} of them retractions."
        table = approvals_table([found])
        return Told(1, f"{'To be approved' if dry_run else 'Approved'}: {counts}", (table,), f"{found.id}: {counts}")

    return Step("approve", "Let the next enqueue of about these counts through?", act)


def adopt(rules: Mapping[str, Rules], *, mark: Path, unnoticed: bool, actor: str, reason: str) -> Step:
    """Takes on a ledger that was restored from an older backup; arguments as of `Ledger.adopt`."""

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        adopted = ledger.adopt(rules, mark=mark, actor=actor, reason=reason, unnoticed=unnoticed, dry_run=dry_run)
        names = sorted({*adopted.parked, *adopted.left})
        rows = [(name, adopted.parked.get(name, 0), adopted.left.get(name, 0)) for name in names]
        table = Table("waited", "What waits in it", ("destination", "parked", "to be sent again"), rows)
        identity = ledger.identity
        done = "To be taken on" if dry_run else "This deployment works from now on with"
        counts = f"{sum(adopted.parked.values())} postbacks parked, {sum(adopted.left.values())} to be sent again"
        # One ledger, also where nothing waits in it.
        return Told(
            1, f"{done}: ledger {identity.ledger_id} of environment {identity.environment}; {counts}.", (table,)
        )

    return Step("adopt", "Take it on, and park what its receiver might take a second time?", act)


def import_reported(rows: Sequence[Reported], *, actor: str, reason: str) -> Step:
    """Notes what a previous sender reported, as accepted by its receivers."""
    counts = Counter(row.destination for row in rows)
    table = Table("reported_before", "Reported before", ("destination", "conversions"), sorted(counts.items()))

    def act(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        report = ledger.import_reported(rows, actor=actor, reason=reason, dry_run=dry_run)
        done = "to be imported" if dry_run else "imported"
        sentence = f"{report.inserted} {done}; {report.known} were known and stay as they are."
        return Told(report.inserted, sentence, (table,) if dry_run else ())

    return Step("import", "Note these as accepted by their receivers, without sending anything?", act)


def postbacks_table(stories: Sequence[Story], title: str = "Postbacks") -> Table:
    """One row per postback."""
    rows = [
        (
            each.postback_id,
            each.destination,
            each.conversion_key,
            each.revision,
            each.kind,
            each.value,
            each.currency,
            each.state,
            each.reason,
            each.due_at,
            each.changed_at,
        )
        for each in stories
    ]
    return Table("postbacks", title, POSTBACK_COLUMNS, rows)


def approvals_table(approvals: Sequence[Approval], title: str = "Enqueues that wait") -> Table:
    """One row per enqueue that was stopped."""
    columns = ("approval", "destination", "postbacks", "retractions", "since", "why it waits")
    rows = [
        (each.id, each.destination, each.postbacks, each.retractions, each.created_at, each.reason)
        for each in approvals
    ]
    return Table("approvals", title, columns, rows)


def check_configured(destination: str, configured: Collection[str]) -> None:
    """Stops where a name is no destination of the settings.

    Raises:
        LedgerError: it is not one of `configured`.
    """
    if destination not in configured:
        known = ", ".join(sorted(configured)) or "none"
        raise LedgerError(f"{destination!r} is not a destination of the settings, which have {known}.")


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_states(selection: Selection, states: Collection[State]) -> Selection:
    """What was named is looked at whatever its state, so that the answer says why it is left alone."""
    if selection.ids or selection.conversion_keys or selection.states:
        return selection
    return replace(selection, states=sorted(states))


def _tell(ledger: Ledger, report: CommandReport, what: str, dry_run: bool, *, with_attempts: bool = False) -> Told:
    count, left = len(report.acted_on), len(report.skipped)
    if not count + left:
        raise LedgerError("No postback fits. Nothing was changed.")
    tables = []
    if count:
        # Done, a forced replay shows the revisions that it wrote.
        shown, title = (report.acted_on, what) if dry_run else (report.changed, "Done")
        newest = ledger.newest(Selection(ids=shown[-SHOWN:]), limit=SHOWN)
        tables.append(postbacks_table(newest, _titled(title, SHOWN, count)))
        if dry_run and with_attempts:
            tables.append(_last_attempts(newest))
    if left:
        rows = [(each.postback_id, each.conversion_key, each.state, each.reason) for each in report.skipped[-SHOWN:]]
        columns = ("id", "conversion", "state", "why it is left alone")
        tables.append(Table("left_alone", _titled("Left alone", SHOWN, left), columns, rows))
    done = f"{what}: {count}. Left alone: {left}." if dry_run else f"{count} done, {left} left alone."
    return Told(count, done, tuple(tables), report.identity)


def _last_attempts(stories: Sequence[Story]) -> Table:
    """What is known of each one's last attempt, to ask its receiver about."""
    rows = [
        (
            story.postback_id,
            story.transaction_id,
            each.number,
            each.finished_at,
            each.phase,
            each.http_status,
            each.reason,
        )
        for story in stories
        for each in story.attempts[-1:]
    ]
    columns = ("id", "transaction id", "attempt", "finished", "phase", "status", "reason")
    return Table("last_attempts", "Last attempts", columns, rows)


def _titled(what: str, shown: int, count: int) -> str:
    return what if count <= shown else f"{what}, the newest {shown} of {count}"


def _switch(command: str, destination: str, configured: Collection[str], act: Callable[[Ledger], bool]) -> Step:
    check_configured(destination, configured)

    def told(ledger: Ledger, dry_run: bool, seen: str | None) -> Told:
        if not dry_run:
            changed = act(ledger)
            return Told(int(changed), f"{destination} {f'is {command}d.' if changed else f'was {command}d already.'}")
        found = next((each for each in ledger.status().destinations if each.destination == destination), None)
        paused = found is not None and found.paused
        # A person's pause replaces one that would end by itself.
        changes = paused if command == "resume" else not paused or (found is not None and found.ends_by_itself)
        stands = f"paused by {found.paused_by}: {found.pause_reason}" if found and paused else "running"
        sentence = f"{destination} is {stands}; {found.due if found else 0} postbacks are due."
        return Told(int(changes), sentence, identity=f"{stands}; {found is not None and found.ends_by_itself}")

    return Step(command, f"{command.capitalize()} {destination}?", told)
