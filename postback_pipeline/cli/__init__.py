"""`postback ...`: what a person types.

Belongs here: putting the commands together; each file beside this one holds a few of them. Does not belong here: any
work that something else than a person at a terminal could ask for. So that `--help` answers at once, modules of this
package import nothing heavy (duckdb, sqlalchemy, aiohttp, dagster): the bodies of commands do.
"""

from __future__ import annotations

import typer

from postback_pipeline.cli.alerts import alerts
from postback_pipeline.cli.checking import check
from postback_pipeline.cli.console import console
from postback_pipeline.cli.destinations import destinations
from postback_pipeline.cli.experiments import experiments
from postback_pipeline.cli.frame import Config, Sentences
from postback_pipeline.cli.ledger import ledger
from postback_pipeline.cli.pipeline import plan, run
from postback_pipeline.cli.previewing import preview
from postback_pipeline.cli.pulling import pull
from postback_pipeline.cli.reporting import report
from postback_pipeline.cli.sandbox import sandbox
from postback_pipeline.cli.tracing import trace

app = typer.Typer(
    name="postback",
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    # A failure that nobody foresaw shows Python's plain traceback, without the values of variables.
    pretty_exceptions_enable=False,
)
for command in (run, plan, pull, trace, console, report, destinations, check, preview, sandbox):
    app.command()(command)
app.add_typer(ledger, name="ledger")
app.add_typer(alerts, name="alerts")
app.add_typer(experiments, name="experiments")


@app.callback()
def options(config: Config = None) -> None:
    """Report confirmed conversions and their reversals to ad platforms and partner networks."""


def main() -> None:
    """The program `postback`."""
    app()
