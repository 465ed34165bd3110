"""`postback ledger replay`, `resolve`, `cancel`, `pause`, `resume`, `approve`: a person steps in.

Belongs here: showing what it is about, asking, doing, telling what was done. Does not belong here: what each command
may do to which postback (the ledger).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config
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
    confirm,
    opened,
    selection,
)
from postback_pipeline.cli.output import print_table
from postback_pipeline.cli.postbacks import print_postbacks, print_story
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.ledger import CommandReport, Ledger, Selection

#: So many postbacks of a selection are shown before the question.
SHOWN = 20

Destination = Annotated[str, typer.Argument(help="Its name in the settings.")]


class FoundOut(StrEnum):
    """What a person found out about a parked postback."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RESEND = "resend"


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
    """Send again what was rejected, expired, parked or cancelled."""
    chosen = selection(
        which,
        destination=destination,
        states=state,
        event=event,
        last_reason=last_reason,
        created_from=created_from,
        created_before=created_before,
    )
    with opened(config) as ledger:
        _show(ledger, chosen)
        confirm("Send these again?" + (" Those that were accepted, too." if force else ""), yes)
        _report(ledger.replay(chosen, actor=actor, reason=reason, force=force))


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
    chosen = selection(
        which,
        destination=destination,
        states=state,
        event=event,
        last_reason=last_reason,
        created_from=created_from,
        created_before=created_before,
    )
    with opened(config) as ledger:
        _show(ledger, chosen)
        confirm("Take these back, so that they do not leave?", yes)
        _report(ledger.cancel(chosen, actor=actor, reason=reason))


def resolve(
    postback: Annotated[int, typer.Argument(metavar="POSTBACK", help="Id of a parked postback.")],
    found_out: Annotated[
        FoundOut,
        typer.Option("--as", help="The receiver has it; shall not get it; does not have it.", show_default=False),
    ],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Say what you found out about a postback whose fate is unknown."""
    from postback_pipeline.ledger import Resolution

    with opened(config) as ledger:
        for story in ledger.inspect(postback):
            print_story(story)
        confirm(f"Resolve it as {found_out}?", yes)
        _report(ledger.resolve(postback, Resolution(found_out), actor=actor, reason=reason))


def pause(destination: Destination, reason: Reason, actor: Actor, yes: Yes = False, config: Config = None) -> None:
    """Let nothing leave to a destination until it is resumed; postbacks wait."""
    _switch(destination, yes, config, "pause", lambda ledger: ledger.pause(destination, reason=reason, actor=actor))


def resume(destination: Destination, reason: Reason, actor: Actor, yes: Yes = False, config: Config = None) -> None:
    """Let a paused destination's postbacks leave again."""
    _switch(destination, yes, config, "resume", lambda ledger: ledger.resume(destination, reason=reason, actor=actor))


def approve(
    approval: Annotated[int, typer.Argument(metavar="APPROVAL", help="Its number in `postback ledger status`.")],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Let an enqueue through that was stopped for its size; the next run within a day enqueues it."""
    with opened(config) as ledger:
        waiting = [each for each in ledger.approvals() if each.id == approval]
        print_table(
            ("approval", "destination", "postbacks", "retractions", "since", "why it waits"),
            [
                (each.id, each.destination, each.postbacks, each.retractions, each.created_at, each.reason)
                for each in waiting
            ],
        )
        if waiting:
            confirm("Let the next enqueue of about these counts through?", yes)
        found = ledger.approve(approval, actor=actor, reason=reason)
    typer.echo(
        f"Approved: {found.postbacks} postbacks for {found.destination}, {found.retractions} of them retractions."
    )


def _show(ledger: Ledger, chosen: Selection) -> None:
    found = ledger.select(chosen, limit=SHOWN)
    if not found.count:
        raise PostbackError("No postback fits. Nothing was changed.")
    print_postbacks(found.stories)
    if found.count > len(found.stories):
        typer.echo(f"These are the newest of {found.count}.")


def _report(report: CommandReport) -> None:
    typer.echo(f"{len(report.changed)} done, {len(report.skipped)} left alone.")
    print_table(
        ("id", "conversion", "state", "why it was left alone"),
        [(each.postback_id, each.conversion_key, each.state, each.reason) for each in report.skipped],
    )


def _switch(destination: str, yes: bool, config: Config, verb: str, act: Callable[[Ledger], bool]) -> None:
    from postback_pipeline.cli.frame import read_settings

    settings = read_settings(config)
    if destination not in settings.destinations:
        known = ", ".join(settings.destinations) or "none"
        raise PostbackError(f"{destination!r} is not a destination of {settings.file}, which has {known}.")
    with opened(config) as ledger:
        due = ledger.due([destination])[destination]
        confirm(f"{verb.capitalize()} {destination}, where {due.count} postbacks are due?", yes)
        changed = act(ledger)
    typer.echo(f"{destination} is {verb}d." if changed else f"{destination} was {verb}d already.")
