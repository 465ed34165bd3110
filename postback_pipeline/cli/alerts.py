"""`postback alerts ...`: what holds now and who was told; trying a channel out.

Belongs here: these two commands. Does not belong here: looking for conditions and telling people, which the sensor
`alerts` does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_fields, print_json, print_table, readable

if TYPE_CHECKING:
    from postback_pipeline.alerting.memory import Held, Memory
    from postback_pipeline.settings import Settings

#: The sensor looks every minute: after so long without a look something is wrong with it.
_LOOKS_WITHIN = timedelta(minutes=5)

alerts = typer.Typer(name="alerts", no_args_is_help=True, help="What holds now and who was told; try a channel out.")


@alerts.command()
def status(json: Json = False, config: Config = None) -> None:
    """Show what holds, since when, who was told when, and which channels fail."""
    from postback_pipeline.alerting.memory import read_memory

    settings = read_settings(config)
    memory, now = read_memory(settings.alert_memory_path), datetime.now(UTC)
    if json:
        print_json(_for_machines(memory))
    else:
        _print_status(memory, settings, now)
    if memory.looked_at is None or now - memory.looked_at > _LOOKS_WITHIN:
        last = "never" if memory.looked_at is None else f"last at {readable(memory.looked_at)} UTC"
        typer.echo(f"The sensor `alerts` looked {last}: this may not be how things are. Is it running?", err=True)


@alerts.command()
def test(
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="Their names; default: all.", show_default=False)
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Send each channel a sample, quiet hours or not. Fails if one does not take it."""
    import os

    from postback_pipeline.alerting.condition import AlertError
    from postback_pipeline.alerting.sample import sample_message
    from postback_pipeline.alerting.telling import tell

    settings = read_settings(config)
    known = settings.alerts.channels
    if not known:
        raise AlertError(f"{settings.file}: no channel is configured. Add a table [alerts.channels.NAME].")
    if unknown := [name for name in channels or () if name not in known]:
        raise AlertError(f"{settings.file}: {unknown[0]} is no channel. There are: {', '.join(known)}.")
    message = sample_message(settings, datetime.now(UTC))
    failures = tell(dict.fromkeys(channels or known, message), known, os.environ)
    if json:
        print_json({name: {"told": why is None, "error": why} for name, why in failures.items()})
    else:
        width = max(len(name) for name in failures)
        for name, why in failures.items():
            typer.echo(f"{'told  ' if why is None else 'FAILED'}  {name:<{width}}  {readable(why)}".rstrip())
    if any(failures.values()):
        raise typer.Exit(1)


def _print_status(memory: Memory, settings: Settings, now: datetime) -> None:
    holds = [held for held in memory.held if held.over_at is None]
    for held in holds:
        condition = held.condition
        typer.echo(f"{condition.subject}: {condition.kind} ({condition.severity})")
        told = [f"{name} at {readable(each.at)}" for name, each in held.told.items()]
        print_fields(
            {
                "what": condition.sentence,
                "since": f"{readable(held.since)} UTC, {readable(now - held.since)}",
                "told": told or "nobody",
                "do": condition.act,
            }
        )
    if not holds:
        typer.echo("Nothing holds.")
    typer.echo()
    print_table(
        ("channel", "kind", "last told", "failing since", "tries", "why"),
        [(name, channel.kind, *(_went(memory, name))) for name, channel in settings.alerts.channels.items()],
        title="Channels",
    )


def _went(memory: Memory, name: str) -> tuple[object, ...]:
    went = memory.channels.get(name)
    return ("", "", "", "") if went is None else (went.sent_at, went.failing_since, went.failures or None, went.error)


def _for_machines(memory: Memory) -> dict[str, Any]:
    return {
        "looked_at": memory.looked_at,
        "holds": [_held(held) for held in memory.held if held.over_at is None],
        "over_untold": [_held(held) for held in memory.held if held.over_at is not None],
        "channels": memory.channels,
    }


def _held(held: Held) -> dict[str, Any]:
    condition = held.condition
    return {
        "key": condition.key,
        "kind": condition.kind,
        "subject": condition.subject,
        "severity": condition.severity,
        "sentence": condition.sentence,
        "since": held.since,
        "seen_at": held.seen_at,
        "over_at": held.over_at,
        "figures": condition.figures,
        "act": condition.act,
        "told": held.told,
    }
