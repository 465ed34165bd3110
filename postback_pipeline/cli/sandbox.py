"""`postback sandbox`: the local receiver.

Belongs here: its options. Does not belong here: the receiver (`postback_pipeline.sandbox`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sandbox(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen on 127.0.0.1; 0 takes a free one.")
    ] = 8787,
    log: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Gets one JSON line per postback; appended to."),
    ] = Path("sandbox.jsonl"),
    config_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="How the receivers behave (TOML).", show_default=False)
    ] = None,
) -> None:
    """Run a local stand-in network that receives postbacks, until it is interrupted."""
    from postback_pipeline.sandbox import Sandbox, load_sandbox_config, run_sandbox

    def started(running: Sandbox) -> None:
        typer.echo(f"The sandbox listens on {running.url} and writes what it receives to {log}.")

    behaviour = None if config_file is None else load_sandbox_config(config_file)
    run_sandbox(port, log, behaviour, started=started)
