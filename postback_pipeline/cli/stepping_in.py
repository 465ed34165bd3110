"""`postback ledger replay`, `resolve`, `cancel`, `pause`, `resume`, `approve`, `adopt`, `import`: a person steps in.

Belongs here: the commands' options, and asking. Does not belong here: what is selected, shown and refused
(`ledger/steps.py`, which the jobs of the Dagster UI share), what each may do to which postback (the ledger).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, read_settings
from postback_pipeline.cli.ledger_options import (
    Actor,
    CreatedBefore,
    CreatedFrom,
    InState,
    LastReason,
    OfDestination,
    OfEvent,
    Reason,
    Which,
    Yes,
    opened,
)
from postback_pipeline.cli.output import print_table
from postback_pipeline.model import Resolution

if TYPE_CHECKING:
    from postback_pipeline.ledger.steps import Step

Destination = Annotated[str, typer.Argument(help="Its name in the settings.")]


def replay(
    reason: Reason,
    actor: Actor,
    which: Which = None,
    destination: OfDestination = None,
    state: InState = None,
    event: OfEvent = None,
    last_reason: LastReason = None,
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also what was accepted, and what the receiver's window has closed for.")
    ] = False,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Send again what was rejected, expired, parked or cancelled.

    What was accepted is sent again only with --force, named or by --state accepted, and as a new revision.
    """
    from postback_pipeline.ledger import steps

    chosen = steps.select(
        which or (),
        destination=destination,
        states=state or (),
        event=event,
        last_reason=last_reason,
        created_from=created_from,
        created_before=created_before,
    )
    _take(steps.replay(chosen, force=force, actor=actor, reason=reason), yes, config)


def cancel(
    reason: Reason,
    actor: Actor,
    which: Which = None,
    destination: OfDestination = None,
    state: InState = None,
    event: OfEvent = None,
    last_reason: LastReason = None,
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Take back what has not left; it stays so until the desired value changes or it is replayed."""
    from postback_pipeline.ledger import steps

    chosen = steps.select(
        which or (),
        destination=destination,
        states=state or (),
        event=event,
        last_reason=last_reason,
        created_from=created_from,
        created_before=created_before,
    )
    _take(steps.cancel(chosen, actor=actor, reason=reason), yes, config)


def resolve(
    found_out: Annotated[
        Resolution,
        typer.Option("--as", help="The receiver has it; shall not get it; does not have it.", show_default=False),
    ],
    reason: Reason,
    actor: Actor,
    which: Which = None,
    destination: OfDestination = None,
    event: OfEvent = None,
    last_reason: LastReason = None,
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Say what you found out about parked postbacks, whose fate is unknown."""
    from postback_pipeline.ledger import steps

    chosen = steps.select(
        which or (),
        destination=destination,
        event=event,
        last_reason=last_reason,
        created_from=created_from,
        created_before=created_before,
    )
    _take(steps.resolve(chosen, found_out, actor=actor, reason=reason), yes, config)


def pause(destination: Destination, reason: Reason, actor: Actor, yes: Yes = False, config: Config = None) -> None:
    """Let nothing leave to a destination until it is resumed; postbacks wait."""
    from postback_pipeline.ledger import steps

    configured = read_settings(config).destinations
    _take(steps.pause(destination, configured, actor=actor, reason=reason), yes, config)


def resume(destination: Destination, reason: Reason, actor: Actor, yes: Yes = False, config: Config = None) -> None:
    """Let a paused destination's postbacks leave again."""
    from postback_pipeline.ledger import steps

    configured = read_settings(config).destinations
    _take(steps.resume(destination, configured, actor=actor, reason=reason), yes, config)


def approve(
    approval: Annotated[int, typer.Argument(metavar="APPROVAL", help="Its number in `postback ledger status`.")],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Let an enqueue through that was stopped for its size; the next run within a day enqueues it."""
    from postback_pipeline.ledger import steps

    _take(steps.approve(approval, actor=actor, reason=reason), yes, config)


def adopt(
    reason: Reason,
    actor: Actor,
    whole: Annotated[
        bool, typer.Option("--whole-home", help="The whole home was restored, so that nothing noticed it.")
    ] = False,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Take on a ledger that was restored from an older backup; what waits in it may have been sent since."""
    from postback_pipeline.delivery.enqueue import rules_by_destination
    from postback_pipeline.ledger import steps

    settings = read_settings(config)
    mark, rules = settings.ledger_mark_path, rules_by_destination(settings)
    _take(steps.adopt(rules, mark=mark, unnoticed=whole, actor=actor, reason=reason), yes, config)


def import_reported(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with the columns named above.")],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Take over what a previous sender reported, so that it is adjusted from there and not reported again.

    Columns: destination, conversion_key (purchase:4711), event_name, value (the last total told), currency,
    transaction_id, event_time (with its zone); optional click_id and identifiers (gclid=abc|fbclid=def).
    """
    from postback_pipeline.ledger import steps
    from postback_pipeline.sources.reported import read_reported

    rows = read_reported(file, destinations=read_settings(config).destinations)
    _take(steps.import_reported(rows, actor=actor, reason=reason), yes, config)


def _take(step: Step, yes: bool, config: Config) -> None:
    """Shows what a step would do, asks, does it, says what was done.

    Raises:
        typer.Abort: the answer was no, or nobody is there to answer.
    """
    with opened(config) as ledger:
        told = step.rehearse(ledger)
        for table in told.tables:
            print_table(table.columns, table.rows, title=table.title)
        typer.echo(told.sentence)
        if not told.count:
            typer.echo("There is nothing to do.")
            return
        if not yes:
            typer.confirm(step.question, abort=True)
        # What nobody looked at, nobody saw.
        typer.echo(step.take(ledger, None if yes else told.identity).sentence)
