"""`postback ledger adopt`: a person takes on a ledger that was restored from an older backup.

Belongs here: saying what it is about, asking, telling what was done. Does not belong here: what becomes of the queue
(the ledger).
"""

from __future__ import annotations

from typing import Annotated

import typer

from postback_pipeline.cli.frame import Config, read_settings
from postback_pipeline.cli.ledger_options import Actor, Reason, Yes
from postback_pipeline.cli.output import print_table


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
    from postback_pipeline.delivery.enqueue import rules_of
    from postback_pipeline.destinations import build_destinations
    from postback_pipeline.ledger import open_ledger

    settings = read_settings(config)
    destinations = build_destinations(settings)
    rules = {name: rules_of(each, settings.destinations[name]) for name, each in destinations.items()}
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        typer.echo(f"Ledger {ledger.identity.ledger_id} of environment {ledger.identity.environment}")
        if not yes:
            typer.confirm("Take it on, and park what its receiver might take a second time?", abort=True)
        adopted = ledger.adopt(rules, mark=settings.ledger_mark_path, actor=actor, reason=reason, unnoticed=whole)
    print_table(
        ("destination", "parked", "left as they were"),
        [
            (name, adopted.parked.get(name, 0), adopted.left.get(name, 0))
            for name in sorted({*adopted.parked, *adopted.left})
        ],
        title="What waited",
    )
    typer.echo("This deployment works with this ledger from now on. For what was parked: postback ledger resolve")
