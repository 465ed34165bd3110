"""`postback ledger import`: what a previous sender already reported.

Belongs here: the command. Does not belong here: the file (`sources/reported.py`), what the ledger does with it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from postback_pipeline.cli.frame import Config, read_settings
from postback_pipeline.cli.ledger_options import Actor, Reason, Yes, confirm
from postback_pipeline.cli.output import print_table


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
    from postback_pipeline.ledger import open_ledger
    from postback_pipeline.sources.reported import read_reported

    settings = read_settings(config)
    rows = read_reported(file, destinations=settings.destinations)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        counts = Counter(row.destination for row in rows)
        print_table(("destination", "conversions"), sorted(counts.items()), title=f"In {file}")
        confirm("Note these as accepted by their receivers, without sending anything?", yes)
        report = ledger.import_reported(rows, actor=actor, reason=reason)
    typer.echo(f"{report.inserted} imported; {report.known} were known and stay as they are.")
