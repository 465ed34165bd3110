"""`postback ledger ...`: making a ledger, looking into it.

Belongs here: the group, and the commands that change no postback. Does not belong here: commands by which a person
steps in (`stepping_in.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.ledger_options import (
    CreatedBefore,
    CreatedFrom,
    InState,
    LastReason,
    OfDestination,
    OfEvent,
    Which,
    opened,
)
from postback_pipeline.cli.output import print_fields, print_json, print_part, print_table, readable
from postback_pipeline.cli.stepping_in import adopt, approve, cancel, import_reported, pause, replay, resolve, resume
from postback_pipeline.story.postback_parts import postback_parts

if TYPE_CHECKING:
    from postback_pipeline.ledger import DestinationStatus, LedgerStatus

ledger = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    help="Make the ledger, look into it, step in. Every step is recorded with who and why.",
)


@ledger.command()
def init(
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Bring an existing one to this program's schema.")] = False,
    config: Config = None,
) -> None:
    """Make the ledger of these settings. Done once: a second one would not know what the first one sent."""
    from postback_pipeline.ledger import create_ledger, upgrade_ledger

    settings = read_settings(config)
    if upgrade:
        identity = upgrade_ledger(settings.ledger_url(), settings.environment)
        typer.echo(f"Ledger {identity.ledger_id} of environment {identity.environment} has this program's schema.")
    else:
        identity = create_ledger(settings.ledger_url(), settings.environment)
        typer.echo(f"Made ledger {identity.ledger_id} of environment {identity.environment}.")


@ledger.command()
def status(json: Json = False, config: Config = None) -> None:
    """Show every destination's queue, pauses, and enqueues that wait for approval."""
    with opened(config) as open_one:
        found = open_one.status()
    if json:
        print_json(found)
    else:
        _print_status(found)


@ledger.command()
def inspect(
    which: Which = None,
    destination: OfDestination = None,
    state: InState = None,
    event: OfEvent = None,
    last_reason: LastReason = None,
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show postbacks; a single one with its attempts and changes."""
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
    with opened(config) as open_one:
        found = open_one.select(chosen, limit=limit)
    if json:
        print_json(found.stories)
    elif len(found.stories) == 1:
        for part in postback_parts(found.stories[0]):
            print_part(part)
    else:
        table = steps.postbacks_table(found.stories)
        print_table(table.columns, table.rows, title=table.title)
    if found.count > len(found.stories):
        typer.echo(f"These are the newest of {found.count}; --limit shows more.", err=True)


for command in (replay, resolve, cancel, pause, resume, approve, adopt):
    ledger.command()(command)
ledger.command("import")(import_reported)


def _print_status(found: LedgerStatus) -> None:
    from postback_pipeline.ledger.steps import approvals_table

    identity = found.identity
    typer.echo(f"Ledger {identity.ledger_id} of environment {identity.environment}")
    print_table(
        ("destination", "state", "postbacks", "oldest since", "age"),
        [
            (each.destination, state, count.count, count.oldest, count.oldest and found.at - count.oldest)
            for each in found.destinations
            for state, count in each.states.items()
        ],
        title="Postbacks",
    )
    for each in found.destinations:
        typer.echo()
        typer.echo(each.destination)
        print_fields(_standing(each, found.at))
    typer.echo()
    waiting = approvals_table(found.approvals, "Enqueues that wait (postback ledger approve)")
    print_table(waiting.columns, waiting.rows, title=waiting.title)


def _standing(each: DestinationStatus, at: datetime) -> dict[str, object]:
    """What holds for one destination as a whole; nothing where nothing is out of the ordinary."""
    until = each.not_before if each.not_before and each.not_before > at else None
    ends = ", until what it stumbled over is changed" if each.ends_by_itself else ""
    return {
        "due now": each.due,
        "oldest due": each.oldest_due_at,
        "due for": each.oldest_due_at and at - each.oldest_due_at,
        "drains at work": [f"{drain.owner} since {readable(drain.started_at)}" for drain in each.drains],
        "paused": each.paused and f"by {each.paused_by}: {each.pause_reason}{ends}",
        "paused at": each.paused_at,
        "nothing before": until,
        "because": until and each.postpone_reason,
        "breaker": f"opened {each.trips} times in a row; a single postback tries first" if each.trips else None,
        "next turn": each.next_turn_at if each.next_turn_at and each.next_turn_at > at else None,
    }
