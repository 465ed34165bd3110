"""A person steps in from the UI: one job per step, with the fields of the command line's options.

Belongs here: the configuration of those runs, and showing what a step would do or did. Does not belong here: what is
selected, shown and refused (`ledger/steps.py`, shared with the command line), what a step may do (the ledger).
https://docs.dagster.io/guides/operate/configuration/run-configuration
"""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path

import dagster as dg
from pydantic import Field

from postback_pipeline.defs.markdown import table_of
from postback_pipeline.delivery.enqueue import rules_by_destination
from postback_pipeline.ledger import LedgerError, Selection, open_ledger, steps
from postback_pipeline.ledger.steps import Step
from postback_pipeline.model import Resolution, State
from postback_pipeline.settings import Settings
from postback_pipeline.sources.reported import read_reported

#: The tag by which Dagster knows whose run it is.
USER_TAG = "user"


class InState(Enum):
    """Dagster's forms offer an enum's names, and people know the states by their values."""

    pending = State.PENDING
    held = State.HELD
    sending = State.SENDING
    accepted = State.ACCEPTED
    processed = State.PROCESSED
    rejected = State.REJECTED
    retry = State.RETRY
    unknown = State.UNKNOWN
    parked = State.PARKED
    superseded = State.SUPERSEDED
    cancelled = State.CANCELLED
    expired = State.EXPIRED


class FoundOut(Enum):
    """What a person found out about a parked postback."""

    accepted = Resolution.ACCEPTED
    rejected = Resolution.REJECTED
    resend = Resolution.RESEND


class Stepping(dg.Config):
    """What every step wants."""

    reason: str = Field(description="Why; it is recorded in the ledger.")
    actor: str | None = Field(default=None, description="Who; it is recorded. Left out: the run's tag `user`.")
    dry_run: bool = Field(default=True, description="Only show what it would do. Set to false to do it.")


class Selecting(Stepping):
    """Which postbacks; all conditions hold together."""

    postbacks: list[str] = Field(default=[], description="Ids of postbacks, or conversion keys such as purchase:4711.")
    destination: str | None = Field(default=None, description="Only of this one.")
    event: str | None = Field(default=None, description="Only of this event.")
    last_reason: str | None = Field(default=None, description="Only with this reason of the last change.")
    created_from: str | None = Field(default=None, description="Only created then (UTC, ISO 8601) or later.")
    created_before: str | None = Field(default=None, description="Only created before then (UTC, ISO 8601).")


class SelectingByState(Selecting):
    """As `Selecting`, also by state."""

    states: list[InState] = Field(default=[], description="Only in these states. Left out: those it is meant for.")


class Replay(SelectingByState):
    """Send again what was rejected, expired, parked or cancelled."""

    force: bool = Field(
        default=False,
        description="Also what was accepted, if named or asked for by state, as a new revision; and what the"
        " receiver's window has closed for.",
    )


class Cancel(SelectingByState):
    """Take back what has not left."""


class Resolve(Selecting):
    """Say what was found out about parked postbacks."""

    found_out: FoundOut = Field(
        description="accepted: the receiver has it. rejected: it shall not get it. resend: it does not have it."
    )


class Switch(Stepping):
    """One destination as a whole."""

    destination: str = Field(description="Its name in the settings.")


class Approve(Stepping):
    """One enqueue that was stopped for its size."""

    approval: int = Field(description="Its number in `postback ledger status` or in the check of ledger/postbacks.")


class Adopt(Stepping):
    """A ledger that was restored from an older backup."""

    whole_home: bool = Field(
        default=False, description="The whole home was restored with it, so that nothing noticed it."
    )


class Import(Stepping):
    """What a previous sender reported."""

    file: str = Field(
        description="Path, where runs execute, of a CSV with the columns destination, conversion_key, event_name,"
        " value, currency, transaction_id, event_time; optional click_id and identifiers (gclid=abc|fbclid=def)."
    )


def actor_of(config: Stepping, run: dg.DagsterRun) -> str:
    """Who steps in.

    Raises:
        LedgerError: neither the configuration nor the run says it.
    """
    actor = config.actor or run.tags.get(USER_TAG)
    if not actor:
        raise LedgerError("Say who you are: fill in `actor`, or give the run the tag `user`. Nothing was changed.")
    return actor


def act(context: dg.OpExecutionContext, settings: Settings, config: Stepping, step: Step) -> None:
    """Rehearses a step or takes it; what a person should see becomes metadata of the run's output and its log."""
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        told = step.rehearse(ledger)
        if told.count and not config.dry_run:
            told = step.take(ledger)
    context.log.info(told.sentence)
    metadata: dict[str, dg.MetadataValue] = {"said": dg.MetadataValue.text(told.sentence)}
    if config.dry_run:
        metadata["next"] = dg.MetadataValue.text(
            f"{step.question} Run this job once more with dry_run: false." if told.count else "There is nothing to do."
        )
    for table in told.tables:
        metadata[table.name] = table_of(table.columns, table.rows)
    context.add_output_metadata(metadata)


def selected(config: Selecting, states: Sequence[InState] = ()) -> Selection:
    """What a form selects.

    Raises:
        LedgerError: nothing is selected, or an instant is none.
    """
    return steps.select(
        config.postbacks,
        destination=config.destination,
        states=[each.value for each in states],
        event=config.event,
        last_reason=config.last_reason,
        created_from=_instant(config.created_from),
        created_before=_instant(config.created_before),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Eight jobs of one op each; every one a dry run unless it is told otherwise."""

    @dg.op
    def replay(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Replay) -> None:
        who = actor_of(config, context.run)
        chosen = selected(config, config.states)
        act(context, settings, config, steps.replay(chosen, force=config.force, actor=who, reason=config.reason))

    @dg.op
    def cancel(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Cancel) -> None:
        who = actor_of(config, context.run)
        act(context, settings, config, steps.cancel(selected(config, config.states), actor=who, reason=config.reason))

    @dg.op
    def resolve(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Resolve) -> None:
        who, answer = actor_of(config, context.run), config.found_out.value
        act(context, settings, config, steps.resolve(selected(config), answer, actor=who, reason=config.reason))

    @dg.op
    def pause(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Switch) -> None:
        who, name = actor_of(config, context.run), config.destination
        act(context, settings, config, steps.pause(name, settings.destinations, actor=who, reason=config.reason))

    @dg.op
    def resume(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Switch) -> None:
        who, name = actor_of(config, context.run), config.destination
        act(context, settings, config, steps.resume(name, settings.destinations, actor=who, reason=config.reason))

    @dg.op
    def approve(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Approve) -> None:
        who = actor_of(config, context.run)
        act(context, settings, config, steps.approve(config.approval, actor=who, reason=config.reason))

    @dg.op
    def adopt(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Adopt) -> None:
        who, mark, rules = actor_of(config, context.run), settings.ledger_mark_path, rules_by_destination(settings)
        step = steps.adopt(rules, mark=mark, unnoticed=config.whole_home, actor=who, reason=config.reason)
        act(context, settings, config, step)

    @dg.op
    def import_reported(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], config: Import) -> None:
        who = actor_of(config, context.run)
        rows = read_reported(Path(config.file), destinations=settings.destinations)
        act(context, settings, config, steps.import_reported(rows, actor=who, reason=config.reason))

    return dg.Definitions(
        jobs=[
            _job("replay", replay, "Send again what was rejected, expired, parked or cancelled."),
            _job("resolve", resolve, "Say what you found out about parked postbacks, whose fate is unknown."),
            _job("cancel", cancel, "Take back what has not left."),
            _job("pause", pause, "Let nothing leave to a destination until it is resumed; postbacks wait."),
            _job("resume", resume, "Let a paused destination's postbacks leave again."),
            _job("approve", approve, "Let an enqueue through that was stopped for its size."),
            _job("adopt", adopt, "Take on a ledger that was restored from an older backup."),
            _job("import", import_reported, "Take over what a previous sender reported, as accepted."),
        ]
    )


def _job(command: str, step: dg.OpDefinition, what: str) -> dg.JobDefinition:
    said = f"{what} Shows what it would do; with dry_run: false it does it. As `postback ledger {command}`."

    @dg.job(name=f"ledger_{command}", description=said, executor_def=dg.in_process_executor)
    def job() -> None:
        step()

    return job


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise LedgerError(f"{text!r} is no instant: write it like 2026-01-31 or 2026-01-31T09:00:00Z.") from None
